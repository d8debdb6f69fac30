"""assets: every published file with its sha256 and place; a download that is checked."""

import hashlib
import json

import pytest

from sweettok import weights
from sweettok.metrics import networks
from sweettok.weights import PublishedFile


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_all_files_are_listed(sweettok, cache):
    status, out, _ = sweettok("assets", "--json")
    found = json.loads(out)
    assert status == 0 and [(one["network"], one["file"]) for one in found] == [
        (name, file.name) for name, (_, files) in networks.FILES.items() for file in files
    ]
    places = [one["place"] for one in found if one["place"]]
    assert places and all(place.startswith(str(cache)) for place in places)
    assert {one["state"] for one in found if one["place"]} == {"not here"}
    _, text, _ = sweettok("assets", "alex")
    assert networks.BACKBONES["alex"].sha256 in text and networks.BACKBONES["alex"].url in text and "vgg" not in text


@pytest.fixture
def published(monkeypatch):
    """A network whose file holds b"weights"."""
    file = PublishedFile("w.bin", hashlib.sha256(b"weights").hexdigest(), "https://example.org/w.bin")
    monkeypatch.setitem(networks.FILES, "mine", ("a network of mine", (file,)))
    return file


def test_download_and_its_place(sweettok, published, monkeypatch):
    monkeypatch.setattr(weights, "_fetch", lambda url, partial: partial.write_bytes(b"weights"))
    status, out, _ = sweettok("assets", "mine", "--download", "--json")
    path = json.loads(out)["path"]
    assert status == 0
    (listed,) = json.loads(sweettok("assets", "mine", "--json")[1])
    assert listed["place"] == path and listed["state"] == "here"
    with open(path, "wb") as file:
        file.write(b"other")
    assert json.loads(sweettok("assets", "mine", "--json")[1])[0]["state"].startswith("damaged")


def test_a_download_of_something_else_is_refused(sweettok, published, monkeypatch, cache):
    monkeypatch.setattr(weights, "_fetch", lambda url, partial: partial.write_bytes(b"other"))
    status, _, err = sweettok("assets", "mine", "--download")
    assert status == 1 and published.sha256 in err
    assert json.loads(sweettok("assets", "mine", "--json")[1])[0]["state"] == "not here"


@pytest.mark.parametrize("arguments, named", [(["none"], "'none'"), (["--download"], "--download")])
def test_bad_input(sweettok, arguments, named):
    status, _, err = sweettok("assets", *arguments)
    assert status == 1 and named in err
