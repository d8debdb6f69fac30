"""reports/index.html in headless Chromium: quiet console, no request leaves the page, pictures load, columns sort."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (BROWSER and DRIVER):
    pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)", allow_module_level=True)
webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (pip install -e '.[test]')")

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(reports: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator["webdriver.Chrome"]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    local = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER, env=local))
    try:
        driver.get((reports / "index.html").as_uri())
        yield driver
    finally:
        driver.quit()


def values(browser: "webdriver.Chrome", table: str, column: int) -> list[float]:
    """The numbers of a column from above, entries without a number left out."""
    script = "return [...document.querySelectorAll(arguments[0])].map(cell => cell.dataset.value)"
    cells = browser.execute_script(script, f'table[aria-labelledby="{table}"] tbody tr > :nth-child({column})')
    return [float(value) for value in cells if value is not None]


def test_no_request_leaves_the_page_and_the_console_is_quiet(browser):
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    # the start page that the browser brings (chrome:, chrome-untrusted:) is in the log too
    asked = [one["request"]["url"] for one in sent if not one["documentURL"].startswith("chrome")]
    assert [url for url in asked if url.startswith("file:") and url.endswith("/index.html")]
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
    assert browser.get_log("browser") == []


def test_pictures_load(browser):
    sizes = browser.execute_script("return [...document.images].map(image => image.complete ? image.naturalWidth : 0)")
    assert len(sizes) == 17 and min(sizes) >= 32  # a clip's pixels


@pytest.mark.parametrize("press", ["click", "keyboard"])
def test_a_column_sorts_both_ways(browser, press: str):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.refresh()
    headers = browser.find_elements(By.CSS_SELECTOR, 'table[aria-labelledby="T1"] thead th')
    column = next(place for place, header in enumerate(headers) if "PSNR" in header.text)
    button = headers[column].find_element(By.TAG_NAME, "button")
    before = values(browser, "T1", column + 1)
    for order, expected in (("ascending", sorted(before)), ("descending", sorted(before, reverse=True))):
        if press == "click":
            browser.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", button)
            button.click()
        else:
            button.send_keys(Keys.ENTER)
        assert headers[column].get_attribute("aria-sort") == order
        assert values(browser, "T1", column + 1) == expected
        last = browser.execute_script(
            "return document.querySelector('table[aria-labelledby=\"T1\"] tbody').lastElementChild.cells[arguments[0]].textContent",
            column,
        )
        assert last == "-"  # what has no number stays below in both directions
    assert before not in (sorted(before), sorted(before, reverse=True))


def test_text_columns_sort_too(browser):
    from selenium.webdriver.common.by import By

    browser.refresh()
    button = browser.find_element(By.CSS_SELECTOR, 'table[aria-labelledby="T1"] thead button')
    browser.execute_script("arguments[0].click()", button)
    names = browser.execute_script(
        "return [...document.querySelectorAll('table[aria-labelledby=\"T1\"] tbody th')].map(cell => cell.textContent)"
    )
    assert names == sorted(names, key=str.lower) and len(names) > 5


def test_clips_pause(browser):
    from selenium.webdriver.common.by import By

    browser.refresh()
    shown = "return [...document.querySelectorAll('figure.clip:has(source)')].map(clip => clip.querySelector('img').currentSrc === clip.querySelector('source').srcset)"
    assert browser.execute_script(shown) == [False] * 6
    control = browser.find_element(By.ID, "motion")
    assert control.text == "Pause clips"
    browser.execute_script("arguments[0].click()", control)
    assert control.text == "Play clips"
    stills = browser.execute_async_script(
        f"const done = arguments[0]; setTimeout(() => done((() => {{ {shown} }})()), 300)"
    )
    assert stills == [True] * 6


def test_names_stand_beside_their_rows(browser):
    """The names beside a moving picture are as tall as the picture, each as the others."""
    script = """return [...document.querySelectorAll('.rows')].filter(rows => rows.querySelector('ul')).map(rows => [
        rows.querySelector('img').getBoundingClientRect().height,
        ...[...rows.querySelectorAll('li')].map(name => name.getBoundingClientRect().height)])"""
    shown = browser.execute_script(script)
    assert len(shown) == 6
    for height, *names in shown:
        assert max(names) - min(names) < 1 and abs(sum(names) - height) < 2


def test_a_phone_scrolls_down_only(browser):
    """390 pixels wide: tables scroll in their own boxes, the page does not scroll sideways."""
    try:
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
        )
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
