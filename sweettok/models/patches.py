"""Clips <-> patches, and the positions of patches (docs/paper.md, Method).

The first frame is cut into p x p patches, the other frames into p_t x p x p ones, so that an image is a clip of one
frame and a clip of 1 + k p_t frames has 1 + k latent frames.
"""

import math
from functools import lru_cache

import torch
from einops import rearrange
from torch import Tensor, nn

from sweettok.params import Patches


def check_clip(clip: Tensor, patches: Patches) -> None:
    """Refuse what is not a clip. Raises ValueError naming expected and given shape, type or range."""
    if clip.ndim != 5 or clip.shape[1] != 3:
        raise ValueError(f"expected a clip of shape (batch, 3, time, height, width), got {tuple(clip.shape)}")
    frames, height, width = clip.shape[2:]
    if (frames - 1) % patches.temporal or height % patches.spatial or width % patches.spatial:
        raise ValueError(
            f"expected time = 1 + k * {patches.temporal} and sides that are multiples of {patches.spatial}, "
            f"got time {frames}, height {height}, width {width}"
        )
    if clip.numel() == 0:
        raise ValueError(f"expected at least one clip with pixels, got shape {tuple(clip.shape)}")
    if not clip.is_floating_point():
        raise ValueError(f"expected a float clip in [-1, 1], got {clip.dtype}; see sweettok.video.store.to_float")
    low, high = (value.item() for value in clip.aminmax())
    if not (low >= -1.001 and high <= 1.001):
        raise ValueError(f"expected values in [-1, 1], got [{low:.3g}, {high:.3g}]")


def _sincos(places: Tensor, dim: int) -> Tensor:
    """Sine-cosine code of real-valued places (n,): (n, dim). Wavelengths from 2 patches, so that neighbours differ."""
    angles = math.pi * places[:, None] / 64 ** (torch.arange(dim // 2, device=places.device) / (dim // 2))
    return torch.cat([angles.sin(), angles.cos(), angles.new_zeros(len(places), dim % 2)], dim=1)


def position_codes(times: Tensor, rows: Tensor, columns: Tensor, dim: int) -> Tensor:
    """Fixed codes of all places times x rows x columns, each in units of patches: (times, rows * columns, dim).

    Fixed rather than learned, so that any length and resolution has one; time, row and column share the channels.
    """
    third = dim // 3
    time = _sincos(times, dim - 2 * third)[:, None, None].expand(-1, len(rows), len(columns), -1)
    row = _sincos(rows, third)[None, :, None].expand(len(times), -1, len(columns), -1)
    column = _sincos(columns, third)[None, None, :].expand(len(times), len(rows), -1, -1)
    return rearrange(torch.cat([time, row, column], dim=-1), "t h w d -> t (h w) d")


def latent_times(frames: int, built_for: int, device: torch.device | None = None) -> Tensor:
    """Times of a clip's latent frames, in those of the clips that a model was built for: (frames,).

    0, 1, 2, ... up to `built_for` frames. More are drawn together to end where those do, so that queries and heads look
    at times they have learned, and between them the whole clip (position interpolation, Chen et al. 2023,
    arXiv 2306.15595). Times beyond what was learned reconstruct worse (reports/bench).
    """
    if frames <= built_for:
        return torch.arange(frames, device=device)
    later = torch.linspace(1, built_for - 1, frames - 1, device=device)
    return torch.cat([torch.zeros(1, device=device), later])


@lru_cache(maxsize=32)
def grid_positions(
    frames: int, height: int, width: int, dim: int, built_for: int | None = None, device: torch.device | None = None
) -> Tensor:
    """Position codes of a latent grid: (frames, height * width, dim); `built_for` as in `latent_times`, None: any.

    Kept on `device`, so that no step copies them there and waits for it.
    """
    times = latent_times(frames, built_for or frames, device)
    return position_codes(times, torch.arange(height, device=device), torch.arange(width, device=device), dim)


class PatchEmbed(nn.Module):
    """P_s and P_t: clip (B, 3, 1 + k p_t, H, W) -> features (B, D, 1 + k, h, w), without positions.

    One embedding for both: the first frame is embedded as p_t frames alike, which is a 2-D embedding whose weights are
    P_t's summed over time. So the residual of a patch that stands still is zero.
    """

    def __init__(self, patches: Patches, width: int) -> None:
        super().__init__()
        self.patches = patches
        self.embed = nn.Linear(3 * patches.temporal * patches.spatial**2, width)

    def forward(self, clip: Tensor) -> Tensor:
        p, pt = self.patches.spatial, self.patches.temporal
        still = clip[:, :, :1].expand(-1, -1, pt - 1, -1, -1)
        clip = torch.cat([still, clip], dim=2)  # (B, 3, (1 + k) p_t, H, W)
        cut = rearrange(clip, "b c (t s) (h p) (w q) -> b t h w (c s p q)", s=pt, p=p, q=p)
        return self.embed(cut).permute(0, 4, 1, 2, 3).contiguous()


class PatchToPixels(nn.Module):
    """The inverse: features (B, D, 1 + k, h, w) -> clip (B, 3, 1 + k p_t, H, W)."""

    def __init__(self, patches: Patches, width: int) -> None:
        super().__init__()
        self.patches = patches
        pixels = 3 * patches.spatial**2
        self.first = nn.Linear(width, pixels)
        self.rest = nn.Linear(width, pixels * patches.temporal)

    def forward(self, features: Tensor) -> Tensor:
        p, pt = self.patches.spatial, self.patches.temporal
        features = features.permute(0, 2, 3, 4, 1)  # (B, 1 + k, h, w, D)
        first = self.first(features[:, :1])
        clip = rearrange(first, "b t h w (c p q) -> b c t (h p) (w q)", p=p, q=p)
        if features.shape[1] > 1:
            rest = self.rest(features[:, 1:])
            rest = rearrange(rest, "b t h w (c s p q) -> b c (t s) (h p) (w q)", s=pt, p=p, q=p)
            clip = torch.cat([clip, rest], dim=2)
        return clip


def square_positions(
    frames: int, patches: int, width: int, built_for: int | None = None, device: torch.device | None = None
) -> Tensor:
    """Position codes of a square latent grid: (frames, patches, width); `built_for` as in `latent_times`, None: any."""
    side = math.isqrt(patches)
    return grid_positions(frames, side, side, width, built_for, device)
