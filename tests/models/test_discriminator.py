"""The discriminator and its two losses."""

import pytest
import torch

from sweettok.models.discriminator import PatchDiscriminator, feature_matching_loss, hinge_discriminator_loss


@pytest.fixture
def discriminator():
    torch.manual_seed(0)
    return PatchDiscriminator(4)


@pytest.mark.parametrize("frames", [1, 5, 9])
def test_maps_end_in_logits_by_patch(discriminator, clips, frames):
    maps = discriminator(clips(2)[:, :, :frames])
    assert [m.shape[1] for m in maps] == [4, 8, 16, 1]
    assert maps[-1].shape[3:] == (2, 2) and all(torch.isfinite(m).all() for m in maps)


def test_hinge_loss_against_its_formula():
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0, 1.5])
    assert hinge_discriminator_loss(real, fake).item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1 + 2.5) / 3)


def test_hinge_loss_is_zero_once_told_apart_by_the_margin():
    assert hinge_discriminator_loss(torch.full((4,), 1.0), torch.full((4,), -1.0)) == 0


def test_feature_matching_against_its_formula():
    """Mean over maps of the mean absolute difference; the logits do not count."""
    real = [torch.tensor([1.0, 2.0]), torch.tensor([0.0]), torch.tensor([100.0])]
    fake = [torch.tensor([0.0, 4.0]), torch.tensor([-1.0]), torch.tensor([0.0])]
    assert feature_matching_loss(real, fake).item() == pytest.approx((1.5 + 1) / 2)
    assert feature_matching_loss(real, real) == 0


def test_feature_matching_pulls_the_reconstruction_only():
    real, fake = (
        [torch.ones(2, requires_grad=True) for _ in range(2)],
        [torch.zeros(2, requires_grad=True) for _ in range(2)],
    )
    feature_matching_loss(real, fake).backward()
    assert real[0].grad is None and fake[0].grad.tolist() == [-0.5, -0.5]


def test_learns_to_tell_two_kinds_of_clips_apart(discriminator, clips):
    real, fake = clips(4), clips(4, seed=1) * 0.2
    adam = torch.optim.Adam(discriminator.parameters(), 2e-3)
    losses = []
    for _ in range(25):
        loss = hinge_discriminator_loss(discriminator(real)[-1], discriminator(fake)[-1])
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
