"""LPIPS's form without learned weights, on the feature maps of a published network."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sweettok.metrics import squeezenet
from sweettok.metrics.networks import FILES
from sweettok.metrics.perceptual import perceptual_distance
from sweettok.params import WeightsSource
from sweettok.weights import WeightsFile, load_state, locate

CLIPS_AT_ONCE = 4  # whose feature maps are in memory together


@dataclass(frozen=True)
class MapDistance:
    """`metrics.perceptual`'s distance on a published network's feature maps."""

    name: str
    weights: WeightsFile
    network: squeezenet.SqueezeNet

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
        network = self.network.to(a.device)
        return torch.cat([perceptual_distance(network, x, y) for x, y in parts])


def open_squeezenet(name: str, source: WeightsSource) -> MapDistance:
    """SqueezeNet 1.0's, `name` being squeezenet1_0. Raises InputError (weights absent or wrong)."""
    weights = locate(*FILES[name], source)
    return MapDistance(name, weights, squeezenet.SqueezeNet(load_state(weights.path)))
