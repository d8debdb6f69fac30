"""Losses on pictures, and the PSNR that is logged with them."""

import torch
from torch import Tensor, nn

from sweettok.metrics.fidelity import decibels
from sweettok.metrics.perceptual import perceptual_distance


def mean_psnr(clip: Tensor, reconstruction: Tensor) -> Tensor:
    """Mean over clips of PSNR in dB (peak-to-peak 2), reconstruction clamped to [-1, 1]: what is logged, of training and
    validation batches alike. Clips (B, 3, T, H, W) -> scalar."""
    errors = (clip - reconstruction.detach().float().clamp(-1, 1)).pow(2).flatten(1).mean(1)
    return decibels(errors).mean()


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

    def __call__(self, clip: Tensor, reconstruction: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Clips (B, 3, T, H, W) -> (loss, metrics to log)."""
        reconstruction = reconstruction.float()
        loss, metrics = self.l2 * (clip - reconstruction).pow(2).mean(), {"psnr": mean_psnr(clip, reconstruction)}
        if self.perceptual and self.judge is not None:
            distance = perceptual_distance(self.judge, clip, reconstruction).mean()
            loss, metrics["perceptual"] = loss + self.perceptual * distance, distance.detach()
        return loss, metrics
