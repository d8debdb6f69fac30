"""A coarse grid of colours, interpolated trilinearly: what so many numbers buy without learning, at their best."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from sweettok.errors import InputError
from sweettok.metrics.fidelity import check_clip, psnr
from sweettok.tokenizers.base import Unlearned, check_input
from sweettok.tokenizers.sweettok import from_folder
from sweettok.video.store import ClipStore

Grid = tuple[int, int, int]  # time, height, width
FITTING_CLIPS = 64  # validation clips on which a grid is chosen


@dataclass(frozen=True)
class Trilinear(Unlearned):
    """Area averages over a grid, rounded to 8 bits. A token is one area, with its three bytes."""

    name: str
    frames: int
    size: int
    grid: Grid

    @property
    def bits_per_clip(self) -> float:
        return 24.0 * math.prod(self.grid)

    def encode(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) in [-1, 1] -> int64 (B, areas, 3) in [0, 256). Raises ValueError (shape, range, grid)."""
        check_input(self, clip)
        return levels(clip, self.grid).long().flatten(2).mT

    def decode(self, tokens: Tensor) -> Tensor:
        """int64 (B, areas, 3) -> clip (B, 3, T, H, W)."""
        values = tokens.mT.unflatten(2, self.grid).contiguous() / 127.5 - 1
        return enlarge(values, (self.frames, self.size, self.size))


def as_large_as(
    name: str, frames: int, size: int, budget: Literal["tokens", "bits"], folder: str, data: str
) -> Trilinear:
    """A grid of as many tokens or bits as the model in `folder` takes, the best on validation clips of the store `data`.

    The least is one area, 24 bits, even where the model has fewer. Raises InputError (budget, no model, no store).
    """
    model = from_folder(name, frames, size, folder)
    if budget == "tokens":
        values = 3 * sum(model.model.groups.values())
    elif budget == "bits":
        values = max(3, int(model.bits_per_clip // 8))
    else:
        raise InputError(f"budget is {budget!r}; choose tokens or bits")
    val = ClipStore.open(data, "val").expect(frames, size, by=folder)
    return Trilinear(name, frames, size, best_trilinear_grid(val.clips(range(min(FITTING_CLIPS, len(val)))), values))


def _area(size: int, areas: int, like: Tensor) -> Tensor:
    """(areas, size): each row averages its share of the axis, pixels that straddle a border by their overlap."""
    pixel = torch.arange(size, dtype=torch.float64)[None]  # (1, size)
    edges = torch.linspace(0, size, areas + 1, dtype=torch.float64)[:, None]  # (areas + 1, 1)
    overlap = (torch.minimum(edges[1:], pixel + 1) - torch.maximum(edges[:-1], pixel)).clamp(min=0)
    return (overlap / overlap.sum(dim=1, keepdim=True)).to(like)


def shrink(clip: Tensor, grid: Grid) -> Tensor:
    """Area averages of a clip (B, 3, T, H, W) over a grid: (B, 3, t, h, w). Raises ValueError (shape, range, grid)."""
    check_clip("clip", clip)
    size = clip.shape[2:]
    if any(not 1 <= areas <= pixels for areas, pixels in zip(grid, size, strict=True)):
        raise ValueError(f"grid: expected 1 to {tuple(size)} areas, got {grid}")
    time, height, width = (_area(pixels, areas, clip) for pixels, areas in zip(size, grid, strict=True))
    return torch.einsum("bcthw,xt,yh,zw->bcxyz", clip, time, height, width)


def enlarge(values: Tensor, size: Grid) -> Tensor:
    """Interpolate (B, 3, t, h, w) trilinearly to `size` (T, H, W).

    align_corners=False puts a value at the centre of the area that it averages.
    """
    return F.interpolate(values, size=tuple(size), mode="trilinear", align_corners=False).clamp(-1, 1)


def trilinear(clip: Tensor, grid: Grid) -> Tensor:
    """Area-average down to a (t, h, w) grid a channel, round to 8 bits, interpolate trilinearly back.

    Costs 3 * t * h * w * 8 bits a clip.
    """
    return enlarge(levels(clip, grid) / 127.5 - 1, clip.shape[2:])


def levels(clip: Tensor, grid: Grid) -> Tensor:
    """Area averages of a clip as whole numbers from 0 to 255: float (B, 3, t, h, w)."""
    return torch.round((shrink(clip, grid) + 1) * 127.5)


def _areas(values: int) -> int:
    if values < 3:
        raise ValueError(f"values: a grid of one area takes 3 values (RGB), got {values}")
    return values // 3


def trilinear_grid_for_values(values: int, clip_shape: tuple[int, ...]) -> Grid:
    """The grid (t, h, w) with 3 t h w <= values that comes nearest to shrinking all axes by the same factor.

    clip_shape: (..., T, H, W). `best_trilinear_grid` is the stronger choice where clips are at hand.
    """
    size = tuple(clip_shape[-3:])
    frames, height, width = size
    areas = _areas(values)
    factor = min(1.0, (areas / (frames * height * width)) ** (1 / 3))
    wanted = torch.tensor([max(1.0, factor * pixels) for pixels in size]).log()
    fitting = torch.tensor(
        [
            (t, h, min(width, areas // (t * h)))
            for t in range(1, min(frames, areas) + 1)
            for h in range(1, min(height, areas // t) + 1)
        ]
    )
    nearest = (fitting.log() - wanted).square().sum(dim=1).argmin()
    return tuple(fitting[nearest].tolist())


def _sensible_grids(values: int, size: tuple[int, int, int]) -> list[Grid]:
    """For every t and h the widest w within the budget, areas at most twice as long as broad."""
    frames, height, width = size
    areas = _areas(values)
    grids = {trilinear_grid_for_values(values, size)}
    for t in range(1, min(frames, areas) + 1):
        for h in range(1, min(height, areas // t) + 1):
            w = min(width, areas // (t * h), max(1, 2 * h * width // height))
            if h * width <= 2 * w * height:
                grids.add((t, h, w))
    return sorted(grids)


def best_trilinear_grid(clips: Tensor, values: int) -> Grid:
    """The grid (t, h, w) with 3 t h w <= values whose `trilinear` has the best mean PSNR on `clips`.

    Choose it on validation clips: it is a fitted choice. For the same bits as a tokenizer: values = bits // 8.
    """
    check_clip("clips", clips)
    grids = _sensible_grids(values, tuple(clips.shape[2:]))
    return max(grids, key=lambda grid: psnr(clips, trilinear(clips, grid)).mean().item())
