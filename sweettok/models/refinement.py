"""Where all decoders end."""

from torch import Tensor, nn

from sweettok.models.convolution import ChannelNorm, blocks


class Refinement(nn.Module):
    """Where all decoders end: causal blocks over the whole grid and a norm, (B, D, T, h, w) -> the same."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.blocks = blocks(depth, width)
        self.norm = ChannelNorm(width)

    def forward(self, grid: Tensor) -> Tensor:
        return nn.functional.silu(self.norm(self.blocks(grid)))
