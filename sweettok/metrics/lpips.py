"""LPIPS as published (Zhang et al. 2018, version 0.1): package `lpips`, with the backbone's weights by path and sha256."""

import re
import warnings
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from sweettok.errors import InputError
from sweettok.metrics.fidelity import check_pair
from sweettok.metrics.networks import BACKBONES, FILES
from sweettok.params import WeightsSource
from sweettok.weights import WeightsFile, fit_state, load_state, locate

SMALLEST = 32  # pixels a side: below, AlexNet's last maps are empty
FRAMES_AT_ONCE = 32


@dataclass(frozen=True)
class Lpips:
    """LPIPS with one backbone. `metric` is the name its values may carry, `facts` what their record says of it."""

    net: str
    weights: WeightsFile
    network: nn.Module

    @property
    def metric(self) -> str:
        """`lpips/<net>` on the published backbone only."""
        return self.weights.label(f"lpips/{self.net}", f"perceptual/lpips_{self.net}_unverified")

    @property
    def facts(self) -> dict[str, str]:
        return {"extractor": f"lpips/{self.net} 0.1", "weights_sha256": self.weights.sha256, "frames": "mean over all"}

    @torch.no_grad()
    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Mean LPIPS over the frames of each clip: a, b (B, 3, T, H, W) in [-1, 1], sides at least 32 -> (B,) float32.

        Raises ValueError (shape, range, size).
        """
        check_pair(a, b)
        if min(a.shape[-2:]) < SMALLEST:
            raise ValueError(f"lpips: expected at least {SMALLEST} x {SMALLEST} pixels, got {tuple(a.shape)}")
        frames = (rearrange(clip, "b c t h w -> (b t) c h w").split(FRAMES_AT_ONCE) for clip in (a, b))
        network = self.network.to(a.device)
        values = [network(x, y).flatten() for x, y in zip(*frames, strict=True)]
        return torch.cat(values).view(len(a), -1).mean(dim=1)


def open_lpips(net: str, source: WeightsSource) -> Lpips:
    """LPIPS with backbone "alex", "vgg" or "squeeze". Raises InputError (unknown net, weights absent or wrong)."""
    if net not in BACKBONES:
        raise InputError(f"LPIPS has no backbone {net!r}; choose one of {', '.join(BACKBONES)}")
    weights = locate(*FILES[net], source)
    return Lpips(net, weights, lpips_network(net, load_state(weights.path)))


def lpips_network(net: str, state: dict[str, Tensor]) -> nn.Module:
    """The package's network on a backbone given as the state dict of torchvision's classifier. Raises InputError."""
    from sweettok.torchvision_operators import define_missing_operators

    define_missing_operators()
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # lpips calls torchvision with arguments of old versions
        # pnet_rand: the backbone starts random and is not downloaded; it is replaced whole below
        network = lpips.LPIPS(net=net, version="0.1", pretrained=True, pnet_rand=True, verbose=False)
    backbone = network.net
    features = {  # slice2.3.weight is torchvision's features.3.weight
        re.sub(r"^slice\d+\.", "features.", name): name for name in backbone.state_dict()
    }
    shapes = {theirs: tuple(backbone.state_dict()[ours].shape) for theirs, ours in features.items()}
    used = {name: tensor for name, tensor in state.items() if name.startswith("features.")}
    state = fit_state(f"the LPIPS backbone {net}", used, shapes)
    backbone.load_state_dict({ours: state[theirs] for theirs, ours in features.items()})
    return network.eval().requires_grad_(False)
