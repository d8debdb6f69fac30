"""Perceptual distance on the feature maps of a judge network (metric and training loss)."""

from typing import Protocol

import torch
from torch import Tensor


class MapExtractor(Protocol):
    """A network that shows its intermediate feature maps, such as models.judge."""

    def maps(self, clip: Tensor) -> list[Tensor]:
        """(B, 3, T, H, W) in [-1, 1] -> feature maps (B, C, T', H', W'), one a layer."""
        ...


def _unit_channels(features: Tensor) -> Tensor:
    """Length 1 along channels; the constant keeps the gradient finite where a position is silent in every channel."""
    features = features.float()  # squares of bf16 features lose too many digits
    return features * torch.rsqrt(features.square().sum(dim=1, keepdim=True) + 1e-8)


def perceptual_distance(judge: MapExtractor, a: Tensor, b: Tensor) -> Tensor:
    """LPIPS's form (Zhang et al. 2018, eq. 1) without its learned channel weights, on the judge's maps.

    Per map: unit-normalise along channels, squared difference summed over channels, mean over positions; sum over maps.
    a, b: (B, 3, T, H, W) in [-1, 1]. Returns (B,) float32, 0 for equal clips, at most 4 a map.
    Differentiable in both clips; freezing the judge is the caller's. It is `perceptual/judge`, never LPIPS.
    Raises ValueError where the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"perceptual_distance: the clips' shapes differ: {tuple(a.shape)} and {tuple(b.shape)}")
    distances = [
        (_unit_channels(of_a) - _unit_channels(of_b)).square().sum(dim=1).flatten(1).mean(dim=1)  # (B,)
        for of_a, of_b in zip(judge.maps(a), judge.maps(b), strict=True)
    ]
    return torch.stack(distances).sum(dim=0)
