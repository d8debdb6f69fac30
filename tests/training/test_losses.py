"""Pixel losses against their formulas; the adversary's silence, its updates, its state."""

import copy
import math

import pytest
import torch

from sweettok.metrics.fidelity import psnr
from sweettok.metrics.perceptual import perceptual_distance
from sweettok.training.losses import PictureLoss, PixelCriterion, mean_psnr


@pytest.fixture
def pair(stores):
    clip = stores["train"].clips([0, 1])
    noise = torch.randn(clip.shape, generator=torch.Generator().manual_seed(0))
    return clip, clip + 0.1 * noise


def build(pixel_loss, judge, **changes):
    torch.manual_seed(0)
    return PixelCriterion(pixel_loss.model_copy(update=changes), judge, steps=12)


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
    assert mean_psnr(clip, 3 * clip) == mean_psnr(clip, clip) == pytest.approx(10 * math.log10(4e10), abs=1e-3)


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
    with pytest.raises(ValueError, match="a perceptual loss needs the judge"):
        PictureLoss(0.0, 0.1, None)


def test_gradient_of_a_picture_loss_is_the_pictures_alone(judge, pair):
    clip, reconstruction = pair[0], pair[1].requires_grad_()
    PictureLoss(4.0, 0.1, judge)(clip, reconstruction)[0].backward()
    assert reconstruction.grad.any() and all(p.grad is None for p in judge.parameters())


def test_loss_before_the_adversary_acts(pixel_loss, judge, pair):
    loss, metrics = build(pixel_loss, judge)(*pair, step=0)
    expected, of_pictures = PictureLoss(4.0, 0.1, judge)(*pair)
    assert loss.item() == expected.item() and metrics == of_pictures


def test_adversary_is_silent_before_its_start(pixel_loss, judge, pair):
    criterion, silent = build(pixel_loss, judge), build(pixel_loss, judge, adversarial=0.0)
    assert [criterion.active(step) for step in range(5)] == [False, False, False, True, True]
    before = [p.clone() for p in criterion.discriminator.parameters()]
    assert criterion(*pair, step=2)[0].item() == silent(*pair, step=2)[0].item()
    assert criterion.update_discriminator(2) == {}
    assert all(torch.equal(p, q) for p, q in zip(criterion.discriminator.parameters(), before, strict=True))
    assert criterion(*pair, step=3)[0].item() != silent(*pair, step=3)[0].item()


def test_without_an_adversary(pixel_loss, judge, pair):
    criterion = build(pixel_loss, judge, adversarial=0.0)
    assert criterion.discriminator is None and not criterion.active(11) and criterion.state() == {}
    criterion(*pair, step=11)
    assert criterion.update_discriminator(11) == {}
    criterion.load_state({})


def test_model_and_discriminator_have_gradients_of_their_own(pixel_loss, judge, pair):
    criterion, (clip, reconstruction) = build(pixel_loss, judge), pair
    reconstruction.requires_grad_()
    criterion(clip, reconstruction, step=5)[0].backward()
    assert reconstruction.grad.any() and reconstruction.grad.isfinite().all()
    assert all(p.grad is None and p.requires_grad for p in criterion.discriminator.parameters())
    left = reconstruction.grad.clone()
    before = [p.detach().clone() for p in criterion.discriminator.parameters()]
    assert set(criterion.update_discriminator(5)) == {"discriminator"}
    assert torch.equal(reconstruction.grad, left)
    assert any(not torch.equal(p, q) for p, q in zip(criterion.discriminator.parameters(), before, strict=True))
    assert all(p.grad is None for p in judge.parameters())


def test_discriminator_learns_to_tell_reconstructions(pixel_loss, judge, pair):
    criterion = build(pixel_loss, judge)
    losses = []
    for _ in range(30):
        criterion(*pair, step=5)
        losses.append(criterion.update_discriminator(5)["discriminator"])
    assert losses[-1] < losses[0] - 0.2


def test_state_carries_on_exactly(pixel_loss, judge, pair):
    one = build(pixel_loss, judge)
    for _ in range(3):
        one(*pair, step=5)
        one.update_discriminator(5)
    torch.manual_seed(7)
    other = PixelCriterion(pixel_loss, judge, steps=12)
    other.load_state(copy.deepcopy(one.state()))
    for criterion in (one, other):
        criterion(*pair, step=6)
        criterion.update_discriminator(6)
    theirs = other.discriminator.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in one.discriminator.state_dict().items())


def test_images_are_clips_of_one_frame(pixel_loss, judge, pair):
    clip, reconstruction = (x[:, :, :1] for x in pair)
    criterion = build(pixel_loss, judge)
    loss, _ = criterion(clip, reconstruction, step=5)
    assert loss.isfinite() and "discriminator" in criterion.update_discriminator(5)


def test_discriminator_learns_from_all_parts_of_a_batch(pixel_loss, judge, pair):
    """Shown clip by clip, it steps as if shown all at once: but for rounding, and for its spectral norms, which
    every pass brings nearer their limit."""
    whole, parts = build(pixel_loss, judge), build(pixel_loss, judge)
    with torch.no_grad():
        for criterion in (whole, parts):
            for _ in range(200):  # to the limit
                criterion.discriminator(pair[0])
    whole(*pair, step=5)
    for part in range(2):
        parts(pair[0][part, None], pair[1][part, None], step=5)
    both = [criterion.update_discriminator(5)["discriminator"] for criterion in (whole, parts)]
    assert both[0] == pytest.approx(both[1], abs=1e-5)
    for one, other in zip(whole.discriminator.parameters(), parts.discriminator.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-4)
    parts(*pair, step=6)
    assert len(parts._pairs) == 1  # those of the step before are gone
