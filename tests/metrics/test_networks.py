"""Which weights are missing, and how to get them."""

import hashlib

import pytest

from sweettok.metrics import networks
from sweettok.metrics.networks import missing_weights
from sweettok.params import Metrics, WeightsSource
from sweettok.weights import PublishedFile


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path / "cache"))


def settings(name="inception", **source):
    weights = WeightsSource(**({"path": None, "sha256": None, "download": False} | source))
    return Metrics(extractors=(name,), perceptual=(), protocols=("own",), weights={name: weights}, sizes=())


def test_nothing_asked_nothing_missing():
    assert missing_weights(Metrics(extractors=(), perceptual=(), protocols=(), weights={}, sizes=())) == []


@pytest.mark.parametrize(
    "source, why, how",
    [
        ({}, "not here, and download is false", "or set download: true"),
        ({"download": True}, "not downloaded yet", "the next run downloads it; else the published files"),
        ({"path": "absent.pth", "download": True}, "absent.pth does not exist", "give path and sha256"),
    ],
)
def test_what_why_and_how(source, why, how):
    ((what, found_why, found_how),) = missing_weights(settings(**source))
    assert what == "Inception-v3 for FID" and found_why == why and how in found_how
    assert "https://github.com/toshas/torch-fidelity" in found_how and "\n" not in found_how


def test_nothing_to_download_is_not_promised():
    ((_, why, how),) = missing_weights(settings("squeezenet1_0", download=True))
    assert why == "no download known" and "next run" not in how


def test_a_file_at_hand_is_not_missing_and_another_sha256_is(tmp_path):
    file = tmp_path / "weights.pth"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert missing_weights(settings(path=str(file), sha256=digest)) == []
    ((_, why, how),) = missing_weights(settings(path=str(file), sha256="0" * 64))
    assert f"has sha256 {digest}, expected {'0' * 64}" in why and "get the file again" in how


def test_a_download_that_is_kept_is_not_missing_and_a_damaged_one_is(tmp_path, monkeypatch):
    digest = hashlib.sha256(b"weights").hexdigest()
    published = (PublishedFile("w.pth", digest, "https://example.org/w.pth"),)
    monkeypatch.setitem(networks.FILES, "inception", ("Inception-v3 for FID", published))
    kept = tmp_path / "cache" / f"{digest[:16]}-w.pth"
    kept.parent.mkdir()
    kept.write_bytes(b"weights")
    assert missing_weights(settings(download=True)) == []
    kept.write_bytes(b"damaged")
    ((_, why, how),) = missing_weights(settings(download=True))
    assert "is damaged" in why and how == "delete it"
