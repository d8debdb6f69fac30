"""Perceptual distances on published networks: which are opened, and what they measure."""

from types import SimpleNamespace

import pytest
import torch

from sweettok.metrics.perceptual import perceptual_distance
from sweettok.metrics.perceptual_networks import CLIPS_AT_ONCE, MapDistance, open_perceptual
from sweettok.models.judge import Judge
from sweettok.params import Metrics, WeightsSource
from sweettok.weights import WeightsFile

ABSENT = WeightsSource(path=None, sha256=None, download=False)


def asked(*names):
    weights = dict.fromkeys(names, ABSENT)
    return Metrics(extractors=(), perceptual=names, protocols=("own",), weights=weights, sizes=())


def test_parts_give_what_the_whole_gives(tmp_path):
    torch.manual_seed(0)
    judge = Judge({"class": 3}, 4).eval().requires_grad_(False)
    a, b = torch.rand(2, 2 * CLIPS_AT_ONCE + 1, 3, 3, 16, 16) * 2 - 1
    network = MapDistance("x", WeightsFile(tmp_path, "a" * 64, "published"), judge)
    torch.testing.assert_close(network.distance(a, b), perceptual_distance(judge, a, b))
    assert network.metric == "perceptual/x" and network.facts["weights_sha256"] == "a" * 64


@pytest.mark.parametrize(
    "standing, metric", [("unlisted", "perceptual/x/unlisted-aaaaaaaa"), ("unverified", "perceptual/x-unverified")]
)
def test_other_weights_have_another_name(tmp_path, standing, metric):
    assert MapDistance("x", WeightsFile(tmp_path, "a" * 64, standing), None).metric == metric


def test_left_out_without_weights_and_on_small_clips(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path))
    found, left_out = open_perceptual(asked("alex", "squeezenet1_0"), SimpleNamespace(size=32))
    assert found == [] and [entry.metric for entry in left_out] == ["lpips/alex", "perceptual/squeezenet1_0"]
    assert "not here, and download is false" in left_out[0].why and "give path" in left_out[1].why
    _, left_out = open_perceptual(asked("alex"), SimpleNamespace(size=31))
    assert left_out[0].why == "alex needs clips of at least 32 pixels, the store has 31"


def test_lpips_by_path(tmp_path):
    """On a backbone of random weights: opened, measured, and not called LPIPS."""
    from sweettok.torchvision_operators import define_missing_operators

    define_missing_operators()
    from torchvision.models import squeezenet1_1

    torch.manual_seed(0)
    torch.save(squeezenet1_1(weights=None).state_dict(), tmp_path / "squeeze.pth")
    source = WeightsSource(path=str(tmp_path / "squeeze.pth"), sha256=None, download=False)
    settings = Metrics(extractors=(), perceptual=("squeeze",), protocols=(), weights={"squeeze": source}, sizes=())
    (network,), left_out = open_perceptual(settings, SimpleNamespace(size=32))
    assert not left_out and network.metric == "perceptual/lpips_squeeze_unverified"
    clip = torch.rand(2, 3, 3, 32, 32) * 2 - 1
    assert network.distance(clip, clip).tolist() == [0, 0] and (network.distance(clip, -clip) > 0).all()
