"""Feature extractors by name: what a Frechet distance is measured on, and the name the distance may carry."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sweettok.errors import InputError
from sweettok.metrics import i3d, inception, squeezenet
from sweettok.metrics.networks import FILES
from sweettok.models.judge import Judge
from sweettok.params import WeightsSource
from sweettok.weights import WeightsFile, load_state, locate

I3D_SIDE = 224  # pixels
MIN_FRAMES = 9  # of I3D


@dataclass(frozen=True)
class Extractor:
    """A network that turns clips into feature vectors.

    kind      "video": clips (B, 3, T, H, W); "image": clips of time 1
    dims      number of features
    metric    the name of a Frechet distance on it: "fvd" and "fid" on published weights only
    sha256    of the weights
    features  clips in [-1, 1], of any size the network takes, on its device -> (B, dims) float32
    facts     what else the number depends on (for the record and the cache key)
    min_frames  of a clip
    network   what computes them; None: it computes on the CPU
    """

    name: str
    kind: Literal["video", "image"]
    dims: int
    metric: str
    sha256: str
    features: Callable[[Tensor], Tensor]
    facts: dict[str, Any] = field(default_factory=dict)
    min_frames: int = 1
    network: nn.Module | None = None

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return torch.device("cpu") if self.network is None else next(self.network.parameters()).device

    def to(self, device: torch.device | str) -> "Extractor":
        """Itself, computing on a device from now on."""
        if self.network is not None:
            self.network.to(device)
        return self

    def identity(self) -> dict[str, Any]:
        """Plain JSON values: all of the extractor that a feature depends on."""
        return {"extractor": self.name, "weights_sha256": self.sha256, **self.facts}


def open_extractor(name: str, source: WeightsSource) -> Extractor:
    """The extractor of that name with its weights. Raises InputError (unknown name, weights absent or wrong)."""
    if name not in EXTRACTORS:
        raise InputError(f"extractor {name!r} is unknown; choose one of {', '.join(EXTRACTORS)}, or use the judge's")
    return EXTRACTORS[name](source)


def judge_extractor(judge: Judge, kind: Literal["video", "image"]) -> Extractor:
    """A trained judge as extractor: `frechet_video/judge` or `frechet_image/judge`."""
    features = _without_gradients(judge.video_features if kind == "video" else judge.image_features)
    metric = f"frechet_{kind}/{judge.name}"
    return Extractor(judge.name, kind, 8 * judge.width, metric, judge.fingerprint, features, network=judge)


def _i3d(name: str, eps: float) -> Callable[[WeightsSource], Extractor]:
    def open_i3d(source: WeightsSource) -> Extractor:
        weights = locate(*FILES[name], source)
        network = i3d.load_i3d(load_state(weights.path), eps)
        facts = {"batch_norm_eps": eps, "resize": f"bilinear to {I3D_SIDE}, no antialiasing", "layer": "logits"}
        extractor = _published(name, "video", i3d.CLASSES, "fvd", weights, network, facts)
        features = _without_gradients(lambda clips: network(for_i3d(clips)))
        return replace(extractor, features=features, min_frames=MIN_FRAMES)

    return open_i3d


def random_i3d(seed: int = 0) -> Extractor:
    """An I3D that has learned nothing, for trying things out: its distance is `frechet_video/i3d-random`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = i3d.I3D()
        for module in network.modules():
            if isinstance(module, nn.Conv3d):  # torch's own start makes signals smaller layer by layer, to nothing
                nn.init.kaiming_normal_(module.weight)
    digest = hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in network.state_dict().values())).hexdigest()
    features = _without_gradients(lambda clips: network(for_i3d(clips)))
    name = "i3d-random"
    facts = {"weights": f"random, seed {seed}"}
    return Extractor(name, "video", i3d.CLASSES, f"frechet_video/{name}", digest, features, facts, MIN_FRAMES, network)


def for_i3d(clips: Tensor) -> Tensor:
    """(B, 3, T, H, W) -> (B, 3, T, 224, 224), bilinear frame by frame, as all published FVD code does it.

    Raises ValueError for fewer than 9 frames, of which the last pooling would have nothing to pool.
    """
    if clips.shape[2] < MIN_FRAMES:
        raise ValueError(f"I3D needs clips of at least {MIN_FRAMES} frames, got {clips.shape[2]}")
    size = (clips.shape[2], I3D_SIDE, I3D_SIDE)
    return F.interpolate(clips, size, mode="trilinear", align_corners=False)  # T stays: only H and W are interpolated


def _inception(source: WeightsSource) -> Extractor:
    weights = locate(*FILES["inception"], source)
    network = inception.Inception(load_state(weights.path))
    facts = {"resize": "bilinear to 299 as TensorFlow 1, no antialiasing", "layer": "pool3"}
    return _published("inception", "image", inception.DIMS, "fid", weights, network, facts)


def _squeezenet(source: WeightsSource) -> Extractor:
    weights = locate(*FILES["squeezenet1_0"], source)
    network = squeezenet.SqueezeNet(load_state(weights.path))
    facts = {"resize": f"bilinear to {squeezenet.SIDE}, antialiased", "layer": "fire9, mean"}
    metric = "frechet_image/squeezenet1_0"
    return _published("squeezenet1_0", "image", squeezenet.DIMS, metric, weights, network, facts)


def _published(
    name: str,
    kind: Literal["video", "image"],
    dims: int,
    standard: str,
    weights: WeightsFile,
    network: nn.Module,
    facts: dict,
) -> Extractor:
    metric = weights.label(standard, f"frechet_{kind}/{name}-unverified")
    return Extractor(name, kind, dims, metric, weights.sha256, _without_gradients(network), facts, network=network)


def _without_gradients(features: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    @torch.no_grad()
    def extract(clips: Tensor) -> Tensor:
        return features(clips).float()

    return extract


EXTRACTORS: dict[str, Callable[[WeightsSource], Extractor]] = {
    "i3d": _i3d("i3d", i3d.EPS),
    "i3d-videogpt": _i3d("i3d-videogpt", i3d.VIDEOGPT_EPS),
    "inception": _inception,
    "squeezenet1_0": _squeezenet,
}
