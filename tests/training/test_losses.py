"""Losses on pictures, and PSNR, against their formulas."""

import math

import pytest
import torch

from sweettok.metrics.fidelity import psnr
from sweettok.metrics.perceptual import perceptual_distance
from sweettok.training.losses import PictureLoss, mean_psnr


@pytest.fixture
def pair(stores):
    clip = stores["train"].clips([0, 1])
    noise = torch.randn(clip.shape, generator=torch.Generator().manual_seed(0))
    return clip, clip + 0.1 * noise


@pytest.mark.parametrize("error", [1.0, 0.04, 1e-4])
def test_psnr_against_its_formula(error):
    clip = torch.zeros(2, 3, 5, 8, 8)
    expected = 10 * math.log10(2.0**2 / error)
    assert mean_psnr(clip, clip + error**0.5) == pytest.approx(expected, abs=1e-3)


def test_psnr_is_a_mean_over_clips_of_what_is_shown():
    """Of 20 and 40 dB 30, not the 23 of the mean error; what leaves [-1, 1] is clamped; equal clips have a limit."""
    clip = torch.ones(2, 3, 1, 4, 4)
    reconstruction = torch.stack([clip[0] - 0.2, clip[1] - 0.02])
    assert mean_psnr(clip, reconstruction) == pytest.approx(30.0, abs=1e-3)
    assert mean_psnr(clip, 3 * clip) == mean_psnr(clip, clip) == 100.0


def test_psnr_is_that_of_the_evaluation(pair):
    assert mean_psnr(*pair) == pytest.approx(psnr(pair[0], pair[1].clamp(-1, 1)).mean().item(), abs=1e-3)


def test_psnr_of_bf16_pictures_is_summed_in_fp32(pair):
    clip, rounded = pair[0], pair[1].bfloat16()
    assert mean_psnr(clip, rounded) == mean_psnr(clip, rounded.float())


def test_picture_loss_against_its_formula(judge, pair):
    clip, reconstruction = pair
    loss, metrics = PictureLoss(4.0, 0.1, judge)(clip, reconstruction)
    distance = perceptual_distance(judge, clip, reconstruction).mean()
    error = sum((a - b) ** 2 for a, b in zip(clip.flatten().tolist(), reconstruction.flatten().tolist(), strict=True))
    assert loss.item() == pytest.approx(4.0 * error / clip.numel() + 0.1 * distance.item(), rel=1e-4)
    assert metrics["psnr"] == mean_psnr(*pair) and metrics["perceptual"] == pytest.approx(distance.item(), rel=1e-5)


def test_picture_loss_without_a_part(judge, pair):
    error = (pair[0] - pair[1]).square().mean()
    loss, metrics = PictureLoss(2.0, 0.0, None)(*pair)
    assert loss.item() == pytest.approx(2 * error.item(), rel=1e-5) and set(metrics) == {"psnr"}
    assert [bool(PictureLoss(*weights, judge)) for weights in ((0, 0), (1, 0), (0, 1))] == [False, True, True]
    with pytest.raises(ValueError, match="perceptual.*judge"):
        PictureLoss(0.0, 0.1, None)


def test_gradient_of_a_picture_loss_is_the_pictures_alone(judge, pair):
    clip, reconstruction = pair[0], pair[1].requires_grad_()
    PictureLoss(4.0, 0.1, judge)(clip, reconstruction)[0].backward()
    assert reconstruction.grad.any() and all(p.grad is None for p in judge.parameters())
