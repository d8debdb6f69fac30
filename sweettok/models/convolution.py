"""Convolutional blocks over latent grids: cheap on a CPU, and neighbours share what a patch's edge shows."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KERNEL_FRAMES = 2  # latent frames a causal block looks at: the present one and the one before


class ChannelNorm(nn.Module):
    """Root-mean-square norm over the channels of each position, with a scale and a shift a channel: (B, D, T, h, w).

    A norm over all of a clip would let its first frame see the later ones.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width, 1, 1, 1)), nn.Parameter(torch.zeros(width, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-6) * self.weight + self.bias


class CausalBlock(nn.Module):
    """x + convolution over time of a convolution over space: (B, D, T, h, w) -> the same.

    Nothing depends on later frames, so the first frame of a clip is coded as the image it is. Space and time apart cost
    half of a full 3-D convolution and learn as fast. `frames=1`: over space alone, for grids of tokens.
    """

    def __init__(self, width: int, frames: int = KERNEL_FRAMES) -> None:
        super().__init__()
        self.frames = frames
        self.norm = ChannelNorm(width)
        self.space = nn.Conv3d(width, width, (1, 3, 3), padding=(0, 1, 1))
        self.time = nn.Conv3d(width, width, (frames, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.silu(self.space(F.silu(self.norm(x))))
        return x + self.time(F.pad(hidden, (0, 0, 0, 0, self.frames - 1, 0)))


def blocks(count: int, width: int, frames: int = KERNEL_FRAMES) -> nn.Sequential:
    """`count` causal blocks, one after another."""
    return nn.Sequential(*(CausalBlock(width, frames) for _ in range(count)))
