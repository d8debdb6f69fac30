"""Losses on pixels and their adversary (PAPER.md 1: L2 + LPIPS + hinge GAN + feature matching)."""

from typing import Any

import torch
from torch import Tensor, nn

from sweettok.metrics.perceptual import perceptual_distance
from sweettok.models.discriminator import PatchDiscriminator, feature_matching_loss, hinge_discriminator_loss
from sweettok.models.processes import average_gradients
from sweettok.params import PixelLoss


def squared_error(clip: Tensor, reconstruction: Tensor, patch_frames: int) -> Tensor:
    """Mean squared error in which every latent frame counts the same: the first frame, a latent frame of its own, as
    much as `patch_frames` others. With all frames alike the first would get 1/17 of the gradient for 1/5 of the patches.
    """
    errors = (clip - reconstruction.float()).pow(2).mean(dim=(0, 1, 3, 4))  # (T,)
    weights = torch.ones_like(errors)
    weights[0] = patch_frames if len(errors) > 1 else 1
    return (errors * weights).sum() / weights.sum()


class PixelCriterion:
    """Weighted pixel losses of a reconstruction; owns the discriminator and trains it.

    The adversary is silent before `adversarial_start` of the steps, so that it meets reconstructions worth judging.
    """

    def __init__(self, weights: PixelLoss, judge: nn.Module, patch_frames: int, steps: int) -> None:
        self.weights, self.judge, self.patch_frames = weights, judge, patch_frames
        self.start = round(weights.adversarial_start * steps)
        self.discriminator = PatchDiscriminator(weights.discriminator_width) if weights.adversarial else None
        if self.discriminator:
            self.adam = torch.optim.Adam(self.discriminator.parameters(), weights.discriminator_lr, betas=(0.5, 0.9))
        self._pairs: list[tuple[Tensor, Tensor]] = []  # of this step, one for each part of its batch

    def to(self, device: torch.device) -> None:
        """Move judge and discriminator."""
        self.judge.to(device)
        if self.discriminator:
            self.discriminator.to(device)

    def active(self, step: int) -> bool:
        """Whether the adversary takes part in this step."""
        return self.discriminator is not None and step >= self.start

    def __call__(self, clip: Tensor, reconstruction: Tensor, step: int) -> tuple[Tensor, dict[str, float]]:
        w = self.weights
        l2 = squared_error(clip, reconstruction, self.patch_frames)
        metrics = {"psnr": psnr_of((clip - reconstruction).pow(2).mean())}
        loss = w.l2 * l2
        if w.perceptual:
            perceptual = perceptual_distance(self.judge, clip, reconstruction).mean()
            loss = loss + w.perceptual * perceptual
            metrics["perceptual"] = perceptual.item()
        if self.discriminator is not None and self.active(step):
            self.discriminator.requires_grad_(False)
            # Whatever the networks' precision, losses are summed up in fp32.
            fake, real = ([x.float() for x in self.discriminator(shown)] for shown in (reconstruction, clip))
            self.discriminator.requires_grad_(True)
            loss = loss - w.adversarial * fake[-1].mean() + w.feature_matching * feature_matching_loss(real, fake)
            self._pairs.append((clip, reconstruction.detach()))
        return loss, metrics

    def update_discriminator(self, step: int) -> dict[str, float]:
        """One step of the discriminator on what it was shown in this step, in all processes."""
        if self.discriminator is None or not self.active(step):
            return {}
        pairs, self._pairs = self._pairs, []
        self.adam.zero_grad(set_to_none=True)
        losses = []
        for real, fake in pairs:
            loss = hinge_discriminator_loss(self.discriminator(real)[-1], self.discriminator(fake)[-1])
            (loss / len(pairs)).backward()
            losses.append(loss.item())
        average_gradients(self.discriminator.parameters())
        self.adam.step()
        return {"discriminator": sum(losses) / len(losses)}

    def state(self) -> dict[str, Any]:
        if not self.discriminator:
            return {}
        return {"discriminator": self.discriminator.state_dict(), "adam": self.adam.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        if self.discriminator:
            self.discriminator.load_state_dict(state["discriminator"])
            self.adam.load_state_dict(state["adam"])


def psnr_of(mean_squared_error: Tensor) -> float:
    """PSNR in dB of a mean squared error on [-1, 1] (peak-to-peak 2)."""
    return 10 * torch.log10(4 / mean_squared_error.detach().clamp_min(1e-10)).item()
