"""SqueezeNet 1.0 trained on ImageNet: an image network for real data where no FID or LPIPS weights are at hand.

Distances on it carry its name. It is not LPIPS's network, which is SqueezeNet 1.1 with learned channel weights.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from sweettok.metrics.fidelity import check_clip
from sweettok.weights import fit_state

DIMS = 512
SIDE = 227  # pixels, as it was trained
MEAN_BGR = (104.0, 117.0, 123.0)  # Caffe's ImageNet mean, in bytes
LAYERS_SHOWN = (1, 5, 10, 12)  # conv1, fire4, fire8 (each before a pooling), fire9
# Fire module of the paper -> number of its layer in torchvision's squeezenet1_0
_FIRES = {"fire2": 3, "fire3": 4, "fire4": 5, "fire5": 7, "fire6": 8, "fire7": 9, "fire8": 10, "fire9": 12}
_PARTS = {"conv1x1_1": "squeeze", "conv1x1_2": "expand1x1", "conv3x3_2": "expand3x3"}


class SqueezeNet(nn.Module):
    """SqueezeNet 1.0 (Iandola et al. 2016) in torchvision's form, fed as Caffe feeds it: BGR bytes less their mean."""

    name = "squeezenet1_0"

    def __init__(self, state: dict[str, Tensor]):
        """state: arrays under the names of the .npz file (fire2.conv1x1_1.weight ...). Raises InputError."""
        super().__init__()
        from sweettok.torchvision_operators import define_missing_operators

        define_missing_operators()
        from torchvision.models import squeezenet1_0

        self.network = squeezenet1_0(weights=None)
        renamed = {_torchvision_name(name): tensor for name, tensor in state.items()}
        shapes = {name: tuple(tensor.shape) for name, tensor in self.network.state_dict().items()}
        self.network.load_state_dict(fit_state("SqueezeNet 1.0", renamed, shapes))
        self.register_buffer("mean", torch.tensor(MEAN_BGR).view(3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "SqueezeNet":
        """Stays in evaluation mode, also as a part of a model that trains."""
        return super().train(False)

    def _as_trained(self, frames: Tensor) -> Tensor:
        return (frames.flip(1) + 1) * 127.5 - self.mean

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 3, 1, H, W) in [-1, 1] -> mean of the last feature map (B, 512)."""
        check_clip("images", images)
        size = (SIDE, SIDE)
        frames = F.interpolate(images[:, :, 0], size, mode="bilinear", align_corners=False, antialias=True)
        return self.network.features(self._as_trained(frames)).mean(dim=(2, 3))

    def maps(self, clip: Tensor) -> list[Tensor]:
        """Clip (B, 3, T, H, W) in [-1, 1], at its own size (at least 32) -> 4 feature maps (B, C, T, h, w)."""
        check_clip("clip", clip)
        x = self._as_trained(rearrange(clip, "b c t h w -> (b t) c h w"))
        maps = []
        for number, layer in enumerate(self.network.features):
            x = layer(x)
            if number in LAYERS_SHOWN:
                maps.append(rearrange(x, "(b t) c h w -> b c t h w", b=len(clip)))
        return maps


def _torchvision_name(name: str) -> str:
    layer, _, rest = name.partition(".")
    if layer in _FIRES:
        part, _, kind = rest.partition(".")
        return f"features.{_FIRES[layer]}.{_PARTS.get(part, part)}.{kind}"
    return {"conv1": "features.0", "conv_final": "classifier.1"}.get(layer, layer) + f".{rest}"
