"""Losses on pixels and their adversary (docs/paper.md, Curriculum: L2 + LPIPS + hinge GAN + feature matching)."""

from typing import Any

import torch
from torch import Tensor, nn

from sweettok.metrics.perceptual import perceptual_distance
from sweettok.models.discriminator import PatchDiscriminator, feature_matching_loss, hinge_discriminator_loss
from sweettok.models.processes import average_gradients
from sweettok.params import PixelLoss


def mean_psnr(clip: Tensor, reconstruction: Tensor) -> float:
    """Mean over clips of PSNR in dB (peak-to-peak 2), reconstruction clamped to [-1, 1]: what is logged, of training and
    validation batches alike. Clips (B, 3, T, H, W)."""
    errors = (clip - reconstruction.detach().float().clamp(-1, 1)).pow(2).flatten(1).mean(1)
    return (10 * torch.log10(4 / errors.clamp_min(1e-10))).mean().item()


class PictureLoss:
    """Squared error and perceptual distance of pictures, weighted; the judge is frozen."""

    def __init__(self, l2: float, perceptual: float, judge: nn.Module | None) -> None:
        if perceptual and judge is None:
            raise ValueError("a perceptual loss needs the judge")
        self.l2, self.perceptual, self.judge = l2, perceptual, judge

    def __bool__(self) -> bool:
        return bool(self.l2 or self.perceptual)

    def to(self, device: torch.device) -> None:
        """Move the judge."""
        if self.judge is not None:
            self.judge.to(device)

    def __call__(self, clip: Tensor, reconstruction: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Clips (B, 3, T, H, W) -> (loss, metrics to log)."""
        reconstruction = reconstruction.float()
        loss, metrics = self.l2 * (clip - reconstruction).pow(2).mean(), {"psnr": mean_psnr(clip, reconstruction)}
        if self.perceptual and self.judge is not None:
            distance = perceptual_distance(self.judge, clip, reconstruction).mean()
            loss, metrics["perceptual"] = loss + self.perceptual * distance, distance.item()
        return loss, metrics


class PixelCriterion:
    """Weighted pixel losses of a reconstruction; owns the discriminator and trains it.

    The adversary is silent before `adversarial_start` of the steps, so that it meets reconstructions worth judging.
    """

    def __init__(self, weights: PixelLoss, judge: nn.Module | None, steps: int) -> None:
        self.weights, self.pictures = weights, PictureLoss(weights.l2, weights.perceptual, judge)
        self.start = round(weights.adversarial_start * steps)
        self.discriminator = PatchDiscriminator(weights.discriminator_width) if weights.adversarial else None
        if self.discriminator:
            self.adam = torch.optim.Adam(self.discriminator.parameters(), weights.discriminator_lr, betas=(0.5, 0.9))
        self._pairs: list[tuple[Tensor, Tensor]] = []  # of this step, one for each part of its batch

    def to(self, device: torch.device) -> None:
        """Move judge and discriminator."""
        self.pictures.to(device)
        if self.discriminator:
            self.discriminator.to(device)

    def active(self, step: int) -> bool:
        """Whether the adversary takes part in this step."""
        return self.discriminator is not None and step >= self.start

    def __call__(self, clip: Tensor, reconstruction: Tensor, step: int) -> tuple[Tensor, dict[str, float]]:
        w = self.weights
        loss, metrics = self.pictures(clip, reconstruction)
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
