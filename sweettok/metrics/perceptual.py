"""Perceptual distance on the feature maps of a judge network (metric and training loss)."""

from typing import Protocol

import torch
from torch import Tensor


class MapExtractor(Protocol):
    """A network that shows its intermediate feature maps, such as models.judge."""

    def maps(self, clip: Tensor) -> list[Tensor]:
        """(B, 3, T, H, W) in [-1, 1] -> feature maps (B, C, T', H', W'), one a layer."""
        ...


def _distance_of_maps(a: Tensor, b: Tensor) -> Tensor:
    """Mean over positions of the squared distance of unit vectors along channels: maps (B, C, ...) -> (B,).

    |u - v|^2 = |u|^2 + |v|^2 - 2 u.v, from three sums over channels, which costs half of forming u and v. The constant
    keeps the gradient finite where a position is silent in every channel.
    """
    a, b = a.float(), b.float()  # squares of bf16 features lose too many digits
    aa, bb, ab = ((x * y).sum(dim=1) for x, y in ((a, a), (b, b), (a, b)))
    length_a, length_b = torch.rsqrt(aa + 1e-8), torch.rsqrt(bb + 1e-8)
    squared = aa * length_a * length_a + bb * length_b * length_b - 2 * (ab * length_a * length_b)
    return squared.clamp_min(0).flatten(1).mean(dim=1)


def perceptual_distance(judge: MapExtractor, a: Tensor, b: Tensor) -> Tensor:
    """LPIPS's form (Zhang et al. 2018, eq. 1) without its learned channel weights, on the judge's maps.

    Per map: unit-normalise along channels, squared difference summed over channels, mean over positions; sum over maps.
    a, b: (B, 3, T, H, W) in [-1, 1]. Returns (B,) float32, 0 for equal clips, at most 4 a map.
    Differentiable in both clips; freezing the judge is the caller's. It is `perceptual/judge`, never LPIPS.
    Raises ValueError where the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"perceptual_distance: the clips' shapes differ: {tuple(a.shape)} and {tuple(b.shape)}")
    with torch.set_grad_enabled(torch.is_grad_enabled() and a.requires_grad):
        maps_of_a = judge.maps(a)
    pairs = zip(maps_of_a, judge.maps(b), strict=True)
    return torch.stack([_distance_of_maps(of_a, of_b) for of_a, of_b in pairs]).sum(dim=0)
