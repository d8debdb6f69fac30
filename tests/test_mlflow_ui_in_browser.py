"""`mlflow ui` in headless Chromium on the runs of two variants: what docs/compare-ablations.md tells a reader to do there."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from sweettok.mlflow_store import open_client, store_uri
from sweettok.params import Params
from sweettok.tracking import tracked_run

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (BROWSER and DRIVER):
    pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)", allow_module_level=True)
webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (pip install -e '.[test]')")
from selenium.common.exceptions import TimeoutException  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

PATIENCE = 120  # seconds until the server answers, or a page shows what it should
PSNR = {"full": (20.125, 20.375), "coupled": (18.25, 18.75)}  # of seeds 0 and 1
FILTER = "tags.stage = 'ablation'"


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """A store, and the ids of its ablation runs by name."""
    root, found = tmp_path_factory.mktemp("project"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEETTOK_REPRODUCTION", "test")
        with tracked_run("prepare_data", Params(profile="test"), root=root):
            pass
        for variant, values in PSNR.items():
            for seed, psnr in enumerate(values):
                with tracked_run("ablation", Params(profile="test"), {"variant": variant, "seed": seed}, root) as run:
                    for step in (1, 2, 3):
                        run.log_metrics({"train/loss": 1 / step}, step)
                    run.log_metrics({"psnr": psnr})
                found[run.name] = run.identity
    return root, found


@pytest.fixture(scope="module")
def address(runs) -> Iterator[str]:
    """Of a server that `make ui` would start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["mlflow", "ui", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(
        [sys.executable, "-m", *command, "--backend-store-uri", store_uri(runs[0])], start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
    )  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE
        while not answers(f"http://127.0.0.1:{port}/health") and time.monotonic() < until:
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answers(address: str) -> bool:
    with suppress(OSError), urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address) as answer:
        return answer.status == 200
    return False


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator["webdriver.Chrome"]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-proxy-server",
        profile,
    ):
        options.add_argument(flag)
    options.add_argument("--window-size=1400,800")
    local = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER, env=local))
    try:
        yield driver
    finally:
        driver.quit()


def shown(browser: "webdriver.Chrome", address: str, *wanted: str) -> str:
    """The text of a page that opens with all that is wanted."""
    browser.get("about:blank")  # the address differs after its # only, which is no new page
    browser.get(address)
    return wait_for(browser, *wanted)


def wait_for(browser: "webdriver.Chrome", *wanted: str) -> str:
    with suppress(TimeoutException):
        WebDriverWait(browser, PATIENCE).until(lambda _: all(one in text_of(browser) for one in wanted))
    found = text_of(browser)
    assert all(one in found for one in wanted), found
    return found


def text_of(browser: "webdriver.Chrome") -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def test_the_filter_of_the_docs_finds_the_ablation_runs_alone(runs):
    found = open_client(runs[0]).search_runs(["1"], FILTER)
    assert {run.info.run_id for run in found} == set(runs[1].values())


def test_without_a_filter_the_runs_lie_under_one_parent(browser, address, runs):
    text = shown(browser, f"{address}/#/experiments/1/runs", "reproduction test")
    assert text.count("reproduction test") == 1
    store = open_client(runs[0])
    assert len({store.get_run(identity).data.tags["mlflow.parentRunId"] for identity in runs[1].values()}) == 1


def test_two_variants_beside_each_other(browser, address, runs):
    chosen = [runs[1][f"ablation {variant} seed 0"] for variant in PSNR]
    ids = ",".join(f'"{one}"' for one in chosen)
    shown(
        browser, f"{address}/#/compare-runs?runs=[{quote(ids)}]&experiments=[%221%22]",
        "ablation full seed 0", "ablation coupled seed 0", "20.1", "18.2",
    )  # fmt: skip
