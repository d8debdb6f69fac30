"""Perceptual distances on published networks: LPIPS, and its form without learned weights on SqueezeNet 1.0."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from sweettok.errors import InputError
from sweettok.metrics import squeezenet
from sweettok.metrics.lpips import SMALLEST, open_lpips
from sweettok.metrics.networks import FILES, LeftOut
from sweettok.metrics.perceptual import MapExtractor, perceptual_distance
from sweettok.params import Metrics, WeightsSource
from sweettok.video.store import ClipStore
from sweettok.weights import WeightsFile, load_state, locate

CLIPS_AT_ONCE = 4  # whose feature maps are in memory together


class PerceptualNetwork(Protocol):
    """What a perceptual distance is measured with."""

    @property
    def metric(self) -> str:
        """The name its values may carry."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """What the record says of it."""
        ...

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """a, b (B, 3, T, H, W) in [-1, 1] -> (B,) float32."""
        ...


@dataclass(frozen=True)
class MapDistance:
    """`metrics.perceptual`'s distance on a published network's feature maps."""

    name: str
    weights: WeightsFile
    network: MapExtractor

    @property
    def metric(self) -> str:
        """`perceptual/<name>` on the published weights only."""
        return self.weights.label(f"perceptual/{self.name}", f"perceptual/{self.name}-unverified")

    @property
    def facts(self) -> dict[str, Any]:
        return {"extractor": self.name, "weights_sha256": self.weights.sha256, "channel_weights": "none"}

    @torch.no_grad()
    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """a, b (B, 3, T, H, W) in [-1, 1], sides at least 32 -> (B,) float32. Raises ValueError (shapes, range)."""
        parts = zip(a.split(CLIPS_AT_ONCE), b.split(CLIPS_AT_ONCE), strict=True)
        return torch.cat([perceptual_distance(self.network, x, y) for x, y in parts])


def _squeezenet(source: WeightsSource) -> MapDistance:
    weights = locate(*FILES["squeezenet1_0"], source)
    return MapDistance("squeezenet1_0", weights, squeezenet.SqueezeNet(load_state(weights.path)))


def open_perceptual(settings: Metrics, store: ClipStore) -> tuple[list[PerceptualNetwork], list[LeftOut]]:
    """The networks that params list under `perceptual`, and those that cannot be had for the clips of this store."""
    found: list[PerceptualNetwork] = []
    left_out: list[LeftOut] = []
    for name in settings.perceptual:
        source = settings.weights[name]
        metric = f"perceptual/{name}" if name == "squeezenet1_0" else f"lpips/{name}"
        try:
            if store.size < SMALLEST:
                raise InputError(f"{name} needs clips of at least {SMALLEST} pixels, the store has {store.size}")
            found.append(_squeezenet(source) if name == "squeezenet1_0" else open_lpips(name, source))
        except InputError as reason:
            left_out.append(LeftOut(metric, "video", str(reason)))
    return found, left_out
