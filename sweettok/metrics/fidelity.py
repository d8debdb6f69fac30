"""How near a reconstruction is, pixel by pixel: PSNR and SSIM of clips in [-1, 1]."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from sweettok.errors import InputError
from sweettok.models.devices import at_once

DATA_RANGE = 2.0  # of clips in [-1, 1]
# Of nearly any picture in [0, 1]: the darkest value is at most BLACK, and a share of DARK_SHARE is below DARK. A picture in
# [-1, 1] is like that only where it has no value below medium grey and yet much that is just above it, such as fog.
BLACK, DARK, DARK_SHARE = 0.1, 0.25, 0.05
PSNR_CAP = 100.0  # dB; identical clips would be infinite, and a mean over clips must stay finite
WINDOW, SIGMA, K1, K2 = 11, 1.5, 0.01, 0.03  # Wang et al. 2004, section III-B and III-C


def check_clip(name: str, clip: Tensor) -> None:
    """Raise ValueError unless `clip` is (B, 3, T, H, W), not empty, with every value in [-1, 1] (so no NaN either).

    Warns, once a process, of a clip that looks as if it were scaled to [0, 1].
    """
    warn_of_other_range(_range(name, clip), clip)


def check_pair(clip: Tensor, reconstruction: Tensor) -> None:
    """`check_clip` of both, which must have one shape; for the warning they count together: a plain picture has no black."""
    (low, high), (other_low, other_high) = _range("clip", clip), _range("reconstruction", reconstruction)
    if clip.shape != reconstruction.shape:
        expected, given = tuple(clip.shape), tuple(reconstruction.shape)
        raise ValueError(f"reconstruction: expected the clip's shape {expected}, got {given}")
    warn_of_other_range((torch.minimum(low, other_low), torch.maximum(high, other_high)), clip, reconstruction)


def _range(name: str, clip: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the greatest value, checked as `check_clip` says."""
    if clip.ndim != 5 or clip.shape[1] != 3 or clip.numel() == 0:
        raise ValueError(f"{name}: expected a clip tensor (B, 3, T, H, W), got {tuple(clip.shape)}")
    low, high = clip.aminmax()
    if not (low >= -1 - 1e-4 and high <= 1 + 1e-4):  # 1e-4: interpolation overshoots by rounding
        raise ValueError(f"{name}: expected values in [-1, 1], got [{low:.4g}, {high:.4g}]; scale or clamp it first")
    return low, high


def warn_of_other_range(least_and_greatest: tuple[Tensor, Tensor], *clips: Tensor) -> None:
    """Warn, once a process, of clips that look like [0, 1]: their values vary, none is below 0, and part are dark there."""
    low, high = least_and_greatest  # of all of them
    if not 0 <= low <= BLACK or high == low:
        return
    dark = sum(int((clip < DARK).sum()) for clip in clips)
    if dark >= DARK_SHARE * sum(clip.numel() for clip in clips):
        warnings.warn(
            "no value of a clip is below 0: clips have to be in [-1, 1]; make 2 x - 1 of values in [0, 1]", stacklevel=1
        )


def psnr(clip: Tensor, reconstruction: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each clip, over all its pixels and frames.

    10 log10(2^2 / mean squared error), both (B, 3, T, H, W) in [-1, 1]; computed in float64.
    Returns (B,) float64 in dB, capped at 100 dB (identical clips). Raises ValueError (shape, range).
    """
    check_pair(clip, reconstruction)
    error = (clip.double() - reconstruction.double()).square().mean(dim=(1, 2, 3, 4))  # (B,)
    return decibels(error)


def decibels(error: Tensor) -> Tensor:
    """Mean squared errors of clips in [-1, 1] -> PSNR in dB, capped at 100 dB."""
    return (10 * torch.log10(DATA_RANGE**2 / error)).clamp(max=PSNR_CAP)


def _gaussian_windows(size: int, device: torch.device) -> Tensor:
    """Rows are the 11-tap Gaussian at each position where it fits whole: (size - 10, size)."""
    offsets = torch.arange(WINDOW, dtype=torch.float64, device=device) - WINDOW // 2
    gaussian = torch.exp(-offsets.square() / (2 * SIGMA**2))
    return torch.eye(size, dtype=torch.float64, device=device).unfold(0, WINDOW, 1) @ (gaussian / gaussian.sum())


def ssim(clip: Tensor, reconstruction: Tensor) -> Tensor:
    """Structural similarity of each clip: mean over frames, channels and window positions.

    Wang et al. 2004: 11x11 Gaussian window (sigma 1.5), K1 = 0.01, K2 = 0.03; windows that would cross the border are
    left out, as in the paper and scikit-image; torchmetrics 1.9 mirrors the frame there instead and agrees on the
    windows that fit (the tests compare with both). Its comparison of means is one of intensities, which are never
    negative: clips are moved to [0, 2] for it. Own code because importing torchmetrics costs 4 s.
    Both (B, 3, T, H, W) in [-1, 1], H and W at least 11. Returns (B,) float64 in [-1, 1]. Raises ValueError.
    """
    check_pair(clip, reconstruction)
    height, width = clip.shape[-2:]
    if min(height, width) < WINDOW:
        raise InputError(
            f"ssim: frames must be at least {WINDOW}x{WINDOW} pixels, got {height}x{width}; raise data.size"
        )
    down, across = _gaussian_windows(height, clip.device).T, _gaussian_windows(width, clip.device).T
    return mean_similarity(clip, reconstruction, lambda x: (x @ across).mT.contiguous() @ down)


def mean_similarity(
    clip: Tensor, reconstruction: Tensor, windowed: Callable[[Tensor], Tensor], unbias: float = 1.0
) -> Tensor:
    """SSIM of clips (B, 3, T, H, W) in [-1, 1], mean over frames, channels and window positions: (B,) float64.

    windowed: the weighted means over each window, (..., H, W) -> (..., positions). unbias: what makes a sample's
    variance of a window's.
    """
    # One clip at a time stays in a processor's cache: 4 times as fast as a batch of 64.
    turns = at_once(clip.device, 20 * 8 * clip[0].numel(), on_cpu=1)
    pairs = zip(clip.split(turns), reconstruction.split(turns), strict=True)
    return torch.cat([_similarity(x.double() + 1, y.double() + 1, windowed, unbias) for x, y in pairs])


def _similarity(x: Tensor, y: Tensor, windowed: Callable[[Tensor], Tensor], unbias: float) -> Tensor:
    """`mean_similarity` of clips in [0, 2]."""
    mean_x, mean_y, square_x, square_y, product = windowed(torch.stack([x, y, x * x, y * y, x * y]))
    variances = unbias * (square_x - mean_x**2 + square_y - mean_y**2)
    covariance = unbias * (product - mean_x * mean_y)
    c1, c2 = (K1 * DATA_RANGE) ** 2, (K2 * DATA_RANGE) ** 2
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return (above / ((mean_x**2 + mean_y**2 + c1) * (variances + c2))).flatten(1).mean(1)
