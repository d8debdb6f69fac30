"""Two layers of tokens, a coarse and a fine one (HiTVideo, Zhou et al. 2025, arXiv 2503.11513).

The coarse layer alone shows the clip roughly; the fine one says what it missed. HiTVideo is a causal convolutional
autoencoder with several such layers, each a grid of its own with a codebook of its own. Here a causal encoder makes one
grid of latents a latent frame, and Haar's transform parts it: of 2 x 2 places, the mean is a coarse token and the three
differences are fine ones. So two layers have as many tokens as one had, and the layers share the group's codebook.

That the coarse layer decodes alone is learned by leaving out last tokens in training: set `tokenizer.tail_drop`.
"""

import math
from functools import lru_cache

import torch
from einops import rearrange
from torch import Tensor, nn

from sweettok.models.queries import PatchesToQueries, TokensToPatches
from sweettok.models.refinement import Refinement
from sweettok.params import Tokenizer

# Of four places: mean, difference of columns, of rows, of diagonals. Symmetric and its own inverse.
HAAR = 0.5 * torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])


@lru_cache(maxsize=8)
def haar(device: torch.device, dtype: torch.dtype) -> Tensor:
    """`HAAR`, kept there: no step copies it to a GPU and waits."""
    return HAAR.to(device, dtype)


def to_layers(grid: Tensor) -> Tensor:
    """(B, D, T, n, n) -> (B, T n^2, D): in each frame first the n^2 / 4 coarse tokens, then the fine ones."""
    cells = rearrange(grid, "b d t (i p) (j q) -> b t (p q) (i j d)", p=2, q=2)
    return rearrange(haar(grid.device, grid.dtype) @ cells, "b t r (c d) -> b (t r c) d", d=grid.shape[1])


def to_grid(tokens: Tensor, frames: int) -> Tensor:
    """The inverse of `to_layers`: (B, T n^2, D) -> (B, D, T, n, n)."""
    side = math.isqrt(tokens.shape[1] // frames // 4)
    cells = haar(tokens.device, tokens.dtype) @ rearrange(tokens, "b (t r c) d -> b t r (c d)", t=frames, r=4)
    return rearrange(cells, "b t (p q) (i j d) -> b d t (i p) (j q)", p=2, i=side, j=side)


class Hierarchical(nn.Module):
    """Causal blocks over a grid of merged patches, in two layers: L_s tokens of an image and of each later latent frame."""

    grows = True

    def __init__(self, tokenizer: Tokenizer, channels: int, frames: int, side: int) -> None:
        super().__init__()
        t, count, self.times = tokenizer, math.isqrt(tokenizer.spatial_tokens), list(range(1, max(frames, 2)))
        if count**2 != t.spatial_tokens or count % 2 or side % count:
            raise ValueError(
                f"hierarchical tokens are 2 x 2 a cell of a grid that divides {side} x {side} patches, got {t.spatial_tokens}"
            )
        if frames > 1 and t.temporal_tokens != len(self.times) * t.spatial_tokens:
            raise ValueError(
                f"hierarchical has spatial_tokens for each of {len(self.times)} later latent frames: set temporal_tokens to "
                f"{len(self.times) * t.spatial_tokens}, got {t.temporal_tokens}"
            )
        self.merge = PatchesToQueries(channels, t.width, side // count, t.encoder_blocks + t.spatial_depth, frames=2)
        self.split = TokensToPatches(t.width, side // count, frames=2)
        self.refine = Refinement(t.width, t.decoder_blocks + t.temporal_depth)

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """There is no temporal part: later frames are merged as the first one is."""
        return {"spatial": [self.merge], "temporal": [], "decoder": [self.split, self.refine]}

    def encode(self, patches: Tensor) -> tuple[Tensor, Tensor | None]:
        merged = self.merge(patches)  # (B, D, 1 + k, n, n)
        later = merged[:, :, 1:]
        return to_layers(merged[:, :, :1]), to_layers(later) if later.shape[2] else None

    def decode(self, zq_spatial: Tensor, zq_temporal: Tensor | None, frames: int) -> Tensor:
        tokens = zq_spatial if zq_temporal is None else torch.cat([zq_spatial, zq_temporal], dim=1)
        return self.refine(self.split(to_grid(tokens, frames)))  # (B, D, frames, h, w)
