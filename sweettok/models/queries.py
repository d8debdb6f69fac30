"""DQAE layers: queries that start from a place and may look anywhere (docs/paper.md, DQAE).

Free queries have to find out first which patches are whose; in trainings as short as ours they never do. So a query
starts with a place: its value is a convolution over the patches around it, its position code says where that is, and
attention then reads whatever patch or query helps.
"""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from sweettok.models.attention import Attention, FeedForward
from sweettok.models.convolution import blocks
from sweettok.models.patches import position_codes

PLACE_SCALE = 0.1  # of the position codes beside what is seen, whose values are near 1


class QueryLayer(nn.Module):
    """A DQAE layer: queries read patches (cross-attention), then each other (unless alone), then a feed-forward layer.

    queries (..., N, D), patches (..., M, D) with their position codes -> queries, updated.
    """

    def __init__(self, width: int, heads: int, expansion: int, self_attention: bool = True) -> None:
        super().__init__()
        self.query_norm, self.patch_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.read = Attention(width, heads)
        self.self_norm = nn.LayerNorm(width) if self_attention else None
        self.mix = Attention(width, heads) if self_attention else None
        self.feed_norm, self.feed = nn.LayerNorm(width), FeedForward(width, expansion)

    def forward(self, queries: Tensor, patches: Tensor) -> Tensor:
        queries = queries + self.read(self.query_norm(queries), self.patch_norm(patches))
        if self.mix is not None and self.self_norm is not None:
            queries = queries + self.mix(self.self_norm(queries))
        return queries + self.feed(self.feed_norm(queries))


class QueryStack(nn.Module):
    """`depth` query layers and a norm: queries (..., N, D) read patches (..., M, D) -> (..., N, D)."""

    def __init__(self, width: int, heads: int, expansion: int, depth: int, self_attention: bool = True) -> None:
        super().__init__()
        self.layers = nn.ModuleList(QueryLayer(width, heads, expansion, self_attention) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, queries: Tensor, patches: Tensor) -> Tensor:
        for layer in self.layers:
            queries = layer(queries, patches)
        return self.norm(queries)


class PatchesToQueries(nn.Module):
    """The first values of queries: patches (B, C, T, h, w) -> (B, D, T / span, h / s, w / s).

    A value for each place of s x s patches in each `span` frames. frames: that the blocks after it look at.
    """

    def __init__(self, channels: int, width: int, spacing: int, depth: int, frames: int = 1, span: int = 1) -> None:
        super().__init__()
        place = (span, spacing, spacing)
        self.gather = nn.Conv3d(channels, width, place, stride=place)
        self.blocks = blocks(depth, width, frames)

    def forward(self, patches: Tensor) -> Tensor:
        return self.blocks(self.gather(patches))


class TokensToPatches(nn.Module):
    """The way back: values of tokens on their grid (B, D, T, n, n) -> values of patches (B, D, T span, n s, n s)."""

    def __init__(self, width: int, spacing: int, frames: int = 1, span: int = 1) -> None:
        super().__init__()
        place = (span, spacing, spacing)
        self.blocks = blocks(1, width, frames)
        self.spread = nn.ConvTranspose3d(width, width, place, stride=place)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.spread(self.blocks(tokens))


def place_codes(times: list[int], side: int, count: int, width: int) -> Tensor:
    """Scaled position codes of count x count places spread evenly over a side x side grid at each of `times`:
    (times * count^2, width)."""
    spacing = side / count
    places = (torch.arange(count) + 0.5) * spacing - 0.5
    codes = position_codes(torch.tensor(times, dtype=torch.float32), places, places, width)
    return PLACE_SCALE * codes.flatten(0, 1)


def as_sequence(grid: Tensor) -> Tensor:
    """(B, D, T, h, w) -> (B, T h w, D)."""
    return rearrange(grid, "b d t h w -> b (t h w) d")


def as_grid(sequence: Tensor, frames: int) -> Tensor:
    """(B, T h w, D) of square frames -> (B, D, T, h, w)."""
    side = math.isqrt(sequence.shape[1] // frames)
    return rearrange(sequence, "b (t h w) d -> b d t h w", t=frames, h=side)


def resampled(grid: Tensor, frames: int) -> Tensor:
    """(B, D, T, h, w) -> (B, D, frames, h, w), linear between the first frame and the last."""
    if grid.shape[2] == frames:
        return grid
    return F.interpolate(grid, (frames, *grid.shape[3:]), mode="trilinear", align_corners=True)
