"""reports/index.html in headless Chromium: what readers can do with it, by mouse, by keyboard, on a phone, on paper."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import axe_core

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (BROWSER and DRIVER):
    pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)", allow_module_level=True)
webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (pip install -e '.[test]')")

from selenium.webdriver.common.by import By  # noqa: E402  # selenium may be absent
from selenium.webdriver.common.keys import Keys  # noqa: E402

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
)  # fmt: skip
FRAME = (
    "return [...document.querySelectorAll('.player')].map(player => Number(player.style.getPropertyValue('--frame')))"
)


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


@pytest.fixture
def page(browser: "webdriver.Chrome") -> Iterator["webdriver.Chrome"]:
    """The page as it opens, with no motion of its own, so that frames are the same in every run."""
    media = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    browser.refresh()
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def phone(page: "webdriver.Chrome") -> None:
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 760, "deviceScaleFactor": 1, "mobile": True}
    )


def one(page: "webdriver.Chrome", selector: str):
    return page.find_element(By.CSS_SELECTOR, selector)


def press(page: "webdriver.Chrome", *keys: str) -> None:
    """Keys go to what has the focus."""
    for key in keys:
        page.switch_to.active_element.send_keys(key)


def values(page: "webdriver.Chrome", table: str, column: int) -> list[float]:
    """The numbers of a column from above, entries without a number left out."""
    script = "return [...document.querySelectorAll(arguments[0])].map(cell => cell.dataset.value)"
    cells = page.execute_script(script, f'table[aria-labelledby="{table}"] tbody tr > :nth-child({column})')
    return [float(value) for value in cells if value is not None]


def test_no_request_leaves_the_page_and_the_console_is_quiet(browser):
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    # the start page that the browser brings (chrome:, chrome-untrusted:) is in the log too
    asked = [one["request"]["url"] for one in sent if not one["documentURL"].startswith("chrome")]
    assert [url for url in asked if url.startswith("file:") and url.endswith("/index.html")]
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
    assert browser.get_log("browser") == []


def test_pictures_load(page):
    sizes = page.execute_script("return [...document.images].map(image => image.complete ? image.naturalWidth : 0)")
    assert len(sizes) > 30 and min(sizes) >= 32  # a clip's pixels


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")], ids=["light", "dark", "phone"]
)
@pytest.mark.parametrize("unfolded", [False, True], ids=["as it opens", "unfolded"])
def test_axe_finds_no_fault(page, width: int, scheme: str, unfolded: bool):
    axe = axe_core(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sweettok")
    if axe is None:
        pytest.skip("needs axe-core from npm, once: npm is not here or does not reach its registry")
    media = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in media.items()]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    if width == 360:
        phone(page)
    if unfolded:
        page.execute_script(
            "for (const one of document.querySelectorAll('details')) one.open = true;"
            "for (const one of document.querySelectorAll('.folded')) one.classList.remove('folded')"
        )
    page.execute_script(axe)
    found = page.execute_async_script("axe.run().then(arguments[0])")
    faults = [
        f"{fault['id']} ({fault['help']}): {node['html'][:120]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]
    assert not faults, "\n".join(faults[:20])


def test_clips_play_together_until_a_key_stops_them(page):
    player, play = one(page, ".player"), one(page, ".player .play")
    assert play.text == "Play" and page.execute_script(FRAME) == [0, 0]  # no motion was asked for
    page.execute_script("arguments[0].focus()", player)
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert page.execute_script(FRAME) == [1, 0]
    press(page, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert page.execute_script(FRAME) == [16, 0]  # round the end
    press(page, Keys.SPACE)
    assert play.text == "Pause"
    moved = "const done = arguments[0]; setTimeout(() => done(document.querySelector('.player').style.getPropertyValue('--frame')), 400)"
    assert page.execute_async_script(moved) != "16"
    press(page, Keys.SPACE)
    assert play.text == "Play"
    shown = "return [...document.querySelectorAll('.player:first-child .film img')].map(film => getComputedStyle(film).transform)"
    assert len(set(page.execute_script(shown))) == 1  # every tile at the same frame


def test_another_clip(page):
    page.execute_script("arguments[0].focus()", one(page, ".player"))
    assert one(page, ".player .shown").text.startswith("Clip 1 of 4: ")
    press(page, Keys.ARROW_DOWN)
    assert one(page, ".player .shown").text.startswith("Clip 2 of 4: ")
    page.execute_script("arguments[0].click()", one(page, ".player .next"))
    assert one(page, ".player .shown").text == "Clip 3 of 4: a red square, number 2"
    press(page, Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_UP)
    assert one(page, ".player .shown").text.startswith("Clip 4 of 4: ")


def test_clips_move_where_nothing_speaks_against_it(page):
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "no-preference"}]}
    )
    page.refresh()
    assert one(page, ".player .play").text == "Pause"


def test_a_film_shows_one_frame(page):
    """A tile is as large as a frame: the sheet behind it is 17 frames wide and 4 clips high."""
    tile, sheet = one(page, ".film").rect, one(page, ".film img").rect
    assert sheet["width"] == pytest.approx(17 * tile["width"], abs=1)
    assert sheet["height"] == pytest.approx(4 * tile["height"], abs=1)


def test_one_table_at_a_time(page):
    shown = "return [...document.querySelectorAll('#results ~ .panel')].filter(panel => panel.offsetParent).map(panel => panel.id)"
    assert page.execute_script(shown) == ["results-1"]
    page.execute_script("arguments[0].focus()", one(page, "#results-tab-1"))
    press(page, Keys.ARROW_RIGHT)
    assert page.execute_script(shown) == ["results-2"]
    assert page.switch_to.active_element.get_attribute("aria-selected") == "true"
    page.execute_script("arguments[0].click()", one(page, "#results-tab-4"))
    assert page.execute_script(shown) == ["results-4"]


def test_a_number_tells_how_it_was_measured(page):
    number = one(page, "#results-1 tbody:last-of-type .how")
    page.execute_script("arguments[0].focus()", number)
    press(page, Keys.ENTER)
    told = one(page, f"#{number.get_attribute('popovertarget')}")
    assert told.is_displayed() and "n = 32, split test" in told.text
    press(page, Keys.ESCAPE)
    assert not told.is_displayed() and page.switch_to.active_element == number


def test_arrow_keys_move_among_numbers(page):
    numbers = page.find_elements(By.CSS_SELECTOR, "#results-1 .how")
    assert [number.get_attribute("tabindex") for number in numbers].count("0") == 1  # one stop for the tab key
    page.execute_script("arguments[0].focus()", numbers[0])
    press(page, Keys.ARROW_RIGHT)
    assert page.switch_to.active_element == numbers[1]
    press(page, Keys.ARROW_DOWN)
    below = page.switch_to.active_element
    assert below.rect["x"] + below.rect["width"] == pytest.approx(
        numbers[1].rect["x"] + numbers[1].rect["width"], abs=1
    )
    assert below.rect["y"] > numbers[1].rect["y"]


@pytest.mark.parametrize("by", ["click", "keyboard"])
def test_a_column_sorts_both_ways(page, by: str):
    headers = page.find_elements(By.CSS_SELECTOR, 'table[aria-labelledby="T1"] thead tr:last-child th')
    column = next(place for place, header in enumerate(headers) if header.text.startswith("indices"))
    button = headers[column].find_element(By.TAG_NAME, "button")
    before = values(page, "T1", column + 1)
    for order, expected in (("ascending", sorted(before)), ("descending", sorted(before, reverse=True))):
        if by == "click":
            page.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", button)
            button.click()
        else:
            button.send_keys(Keys.ENTER)
        assert headers[column].get_attribute("aria-sort") == order
        assert values(page, "T1", column + 1) == expected
        last = page.execute_script(
            "return document.querySelector('table[aria-labelledby=\"T1\"] tbody:last-of-type').lastElementChild.cells[arguments[0]].textContent",
            column,
        )
        assert last == "-"  # what has no number stays below in both directions
    assert before not in (sorted(before), sorted(before, reverse=True))


def test_text_columns_sort_too(page):
    page.execute_script("arguments[0].click()", one(page, 'table[aria-labelledby="T1"] thead tr:last-child button'))
    names = page.execute_script(
        "return [...document.querySelectorAll('table[aria-labelledby=\"T1\"] tbody:last-of-type tr:not(.block) th')].map(cell => cell.textContent)"
    )
    assert names == sorted(names, key=str.lower) and len(names) > 5


def marked(page) -> list[str]:
    """The frames of the first clip on which a place is marked."""
    script = "return [...document.querySelectorAll('#words-1 figure')].filter(one => !one.querySelector('.mark').hidden).map(one => one.textContent.trim())"
    return page.execute_script(script)


def test_a_word_shows_its_place_and_its_neighbours(page):
    spatial, temporal = page.find_elements(By.CSS_SELECTOR, "#words-1 .tokens")
    facts = one(page, "#words-1 .token-facts")
    page.execute_script("arguments[0].focus()", spatial.find_element(By.TAG_NAME, "button"))
    assert marked(page) == ["frame 0"]
    assert (
        facts.text.startswith("red adjective; nearest: ") and "spatial token, frame 0, row 1 and column 1" in facts.text
    )
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    assert facts.text.startswith("dotted adjective; nearest: ") and "row 2 and column 2 of 2" in facts.text
    frame, mark = (one(page, f"#words-1 {part}").rect for part in (".frame", ".mark"))
    assert mark["x"] == pytest.approx(frame["x"] + frame["width"] / 2, abs=1)
    assert mark["width"] == pytest.approx(frame["width"] / 2, abs=1)
    page.execute_script("arguments[0].focus()", temporal.find_element(By.TAG_NAME, "button"))
    assert marked(page) == [
        "frames 1-4",
        "frames 5-8",
        "frames 9-12",
        "frames 13-16",
    ]  # this model's tokens stand for all
    same = page.execute_script("return [...document.querySelectorAll('#words-1 .same')].map(one => one.textContent)")
    assert same == ["slides", "slides"]


def test_a_place_under_the_pointer_finds_its_word(page):
    frame = page.find_elements(By.CSS_SELECTOR, "#words-1 .frame")[2]
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
    corner = {"xoffset": round(frame.rect["width"] / 4), "yoffset": round(-frame.rect["height"] / 4)}  # from its centre
    webdriver.ActionChains(page).move_to_element_with_offset(frame, *corner.values()).perform()
    assert one(page, "#words-1 .token-facts").text.startswith("slowly adverb; nearest: ")
    assert len(marked(page)) == 4


def test_a_phone_scrolls_down_only(page):
    """360 pixels wide: tables scroll in their own boxes, the page does not scroll sideways."""
    phone(page)
    tabs = page.find_elements(By.CSS_SELECTOR, "#results-1, [id^=results-tab-]")
    for tab in tabs:
        page.execute_script("arguments[0].click()", tab)
        assert page.execute_script("return document.documentElement.scrollWidth") <= 360


def test_paper_shows_what_is_folded(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        hidden = page.execute_script(
            "dispatchEvent(new Event('beforeprint'));"
            "return [...document.querySelectorAll('.panel, [popover], details > dl, details > ul')].filter(one => !one.offsetParent).length"
        )
        assert hidden == 0
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
