"""Trivial reconstructions, made as strong as they can be: whoever claims to have learned must beat them.

All take and return clips (B, 3, T, H, W) in [-1, 1] and raise ValueError on anything else.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from sweettok.metrics.fidelity import check_clip, psnr

Grid = tuple[int, int, int]  # time, height, width


def mean_colour(clip: Tensor) -> Tensor:
    """One colour a clip: the mean over time and space, which is the single colour with the best PSNR."""
    check_clip("clip", clip)
    return clip.mean(dim=(2, 3, 4), keepdim=True).expand_as(clip)


def copy_first_frame(clip: Tensor) -> Tensor:
    """The first frame, repeated: all of the appearance, none of the motion."""
    check_clip("clip", clip)
    return clip[:, :, :1].expand_as(clip)


def _area(size: int, cells: int, like: Tensor) -> Tensor:
    """(cells, size): each row averages its share of the axis, pixels that straddle a border by their overlap."""
    pixel = torch.arange(size, dtype=torch.float64)[None]  # (1, size)
    edges = torch.linspace(0, size, cells + 1, dtype=torch.float64)[:, None]  # (cells + 1, 1)
    overlap = (torch.minimum(edges[1:], pixel + 1) - torch.maximum(edges[:-1], pixel)).clamp(min=0)
    return (overlap / overlap.sum(dim=1, keepdim=True)).to(like)


def shrink(clip: Tensor, grid: Grid) -> Tensor:
    """Area averages of a clip (B, 3, T, H, W) over a grid: (B, 3, t, h, w). Raises ValueError (shape, range, grid)."""
    check_clip("clip", clip)
    size = clip.shape[2:]
    if any(not 1 <= cells <= pixels for cells, pixels in zip(grid, size, strict=True)):
        raise ValueError(f"grid: expected 1 to {tuple(size)} cells, got {grid}")
    time, height, width = (_area(pixels, cells, clip) for pixels, cells in zip(size, grid, strict=True))
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
    values = torch.round((shrink(clip, grid) + 1) * 127.5) / 127.5 - 1  # 256 levels
    return enlarge(values, clip.shape[2:])


def _cells(values: int) -> int:
    if values < 3:
        raise ValueError(f"values: a grid of one cell takes 3 values (RGB), got {values}")
    return values // 3


def trilinear_grid_for_values(values: int, clip_shape: tuple[int, ...]) -> Grid:
    """The grid (t, h, w) with 3 t h w <= values that comes nearest to shrinking all axes by the same factor.

    clip_shape: (..., T, H, W). `best_trilinear_grid` is the stronger choice where clips are at hand.
    """
    size = tuple(clip_shape[-3:])
    frames, height, width = size
    cells = _cells(values)
    factor = min(1.0, (cells / (frames * height * width)) ** (1 / 3))
    wanted = torch.tensor([max(1.0, factor * pixels) for pixels in size]).log()
    fitting = torch.tensor(
        [
            (t, h, min(width, cells // (t * h)))
            for t in range(1, min(frames, cells) + 1)
            for h in range(1, min(height, cells // t) + 1)
        ]
    )
    nearest = (fitting.log() - wanted).square().sum(dim=1).argmin()
    return tuple(fitting[nearest].tolist())


def _sensible_grids(values: int, size: tuple[int, int, int]) -> list[Grid]:
    """For every t and h the widest w within the budget, cells at most twice as long as broad."""
    frames, height, width = size
    cells = _cells(values)
    grids = {trilinear_grid_for_values(values, size)}
    for t in range(1, min(frames, cells) + 1):
        for h in range(1, min(height, cells // t) + 1):
            w = min(width, cells // (t * h), max(1, 2 * h * width // height))
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
