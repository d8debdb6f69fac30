"""Which metrics of pairs can be measured: by the judge and the weights that are at hand."""

import pytest
import torch

from sweettok.metrics.registry import METRICS
from sweettok.metrics.scorers import open_scorers
from sweettok.models.judge import Judge
from sweettok.params import Metrics, WeightsSource

ABSENT = WeightsSource(path=None, sha256=None, download=False)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path))


@pytest.fixture
def judge():
    torch.manual_seed(0)
    return Judge({"class": 3}, 4).eval().requires_grad_(False)


def asked(*names):
    weights = dict.fromkeys(names, ABSENT)
    return Metrics(extractors=(), perceptual=names, protocols=("own",), weights=weights, sizes=())


def test_all_that_need_no_weights_with_the_names_of_their_columns(judge):
    found, skipped = open_scorers(judge, None, 16)
    expected = {
        metric.name: metric.per_clip for metric in METRICS if metric.compares == "pairs" and not metric.networks
    }
    assert {scorer.name: scorer.column for scorer in found} == expected and not skipped
    a, b = torch.rand(2, 2, 3, 5, 16, 16) * 2 - 1
    assert all(scorer.compute(a, b).shape == (2,) for scorer in found)
    facts = {scorer.name: scorer.facts for scorer in found}
    assert facts["perceptual/judge"]["extractor"] == "judge" and not facts["psnr"]


def test_only_those_that_are_wanted(judge):
    found, skipped = open_scorers(judge, asked("alex"), 32, wanted={"psnr", "frechet_video/judge"})
    assert [scorer.name for scorer in found] == ["psnr"] and not skipped


def test_left_out_without_a_judge_without_weights_and_on_small_clips():
    found, skipped = open_scorers(None, asked("alex", "squeezenet1_0"), 32)
    assert [scorer.name for scorer in found] == ["psnr", "ssim"]
    reasons = {entry.metric: entry.why for entry in skipped}
    assert set(reasons) == {"perceptual/judge", "lpips/alex", "perceptual/squeezenet1_0"}
    assert "--judge" in reasons["perceptual/judge"] and "download" in reasons["lpips/alex"]
    found, skipped = open_scorers(None, asked("alex"), 10)
    assert [scorer.name for scorer in found] == ["psnr"]
    assert {entry.metric: entry.why for entry in skipped}[
        "ssim"
    ] == "it needs frames of at least 11 pixels, these have 10"


def test_lpips_by_path(tmp_path):
    """On a backbone of random weights: opened, measured, and not called LPIPS."""
    from sweettok.torchvision_operators import define_missing_operators

    define_missing_operators()
    from torchvision.models import squeezenet1_1

    torch.manual_seed(0)
    torch.save(squeezenet1_1(weights=None).state_dict(), tmp_path / "squeeze.pth")
    source = WeightsSource(path=str(tmp_path / "squeeze.pth"), sha256=None, download=False)
    settings = Metrics(extractors=(), perceptual=("squeeze",), protocols=(), weights={"squeeze": source}, sizes=())
    found, skipped = open_scorers(None, settings, 32, wanted={"lpips/squeeze"})
    (scorer,) = found
    assert not skipped and scorer.name == scorer.column == "perceptual/lpips_squeeze_unverified"
    clip = torch.rand(2, 3, 3, 32, 32) * 2 - 1
    assert scorer.compute(clip, clip).tolist() == [0, 0] and (scorer.compute(clip, -clip) > 0).all()
