"""How much of a Frechet distance is its small sample: the distance at several n, and where it goes for n to infinity."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweettok.metrics.frechet import FeatureMoments, frechet_distance
from sweettok.metrics.record import record


@dataclass(frozen=True)
class SizeCurve:
    """The Frechet distance at several numbers of clips.

    sizes     clips drawn on each side
    means     mean distance over the draws at each size, in squared feature units
    spreads   standard deviation over the draws (None for one draw, or where every draw is the whole)
    limit     intercept of a straight line in 1 / n: the estimate for infinitely many clips
    slope     of that line: the distance at n is about limit + slope / n
    fit       share of the means' variance that the line explains
    full_rank whether every size exceeds the number of features; where not, don't trust the limit, however good the fit
    """

    sizes: tuple[int, ...]
    means: tuple[float, ...]
    spreads: tuple[float | None, ...]
    limit: float
    slope: float
    fit: float
    full_rank: bool


def size_curve(
    generated: ArrayLike,
    real: ArrayLike,
    sizes: Sequence[int],
    draws: int,
    seed: int,
    paired: bool,
    unbiased: bool = True,
) -> SizeCurve:
    """Frechet distances of n generated (or reconstructed) to n real rows drawn without replacement, extrapolated to infinite n.

    Chong and Forsyth 2020 ("Effectively Unbiased FID and Inception Score"): the bias of the estimate is linear in
    1 / n, so a least-squares line through the distances at several n meets n = infinity at a nearly unbiased value.
    Their real statistics are fixed; here both sides are drawn at n, since both are small samples in this suite.
    The largest sizes share most of their rows, so the limit is an estimate without an interval. With fewer rows than
    features the bias is no longer linear in 1 / n and the limit is far too high, though the line may still look good.

    generated, real: (N, F), (M, F); paired: row i of both belongs to one clip, so both are drawn together.
    Raises ValueError (fewer than two sizes, sizes below 2 or above the rows there are, unequal rows where paired).
    """
    generated, real = np.asarray(generated, dtype=np.float64), np.asarray(real, dtype=np.float64)
    most = min(len(generated), len(real))
    sizes = tuple(sorted(set(int(size) for size in sizes)))
    if len(sizes) < 2 or sizes[0] < 2 or sizes[-1] > most:
        raise ValueError(f"sizes: expected at least two different numbers in 2..{most}, got {list(sizes)}")
    if draws < 1:
        raise ValueError(f"draws: expected at least 1, got {draws}")
    if paired and len(generated) != len(real):
        raise ValueError(f"paired features need equally many rows, got {len(generated)} and {len(real)}")

    generator = np.random.default_rng(seed)

    def distance(size: int) -> float:
        rows = generator.choice(len(generated), size, replace=False)
        others = rows if paired else generator.choice(len(real), size, replace=False)
        return frechet_distance(FeatureMoments.of(generated[rows]), FeatureMoments.of(real[others]), unbiased)

    whole = len(generated) if len(generated) == len(real) else None  # of this size every draw is the same
    values = [[distance(size) for _ in range(1 if size == whole else draws)] for size in sizes]
    means = np.array([np.mean(row) for row in values])
    limit, slope, fit = _line(1 / np.array(sizes), means)
    spreads = tuple(float(np.std(row, ddof=1)) if len(row) > 1 else None for row in values)
    return SizeCurve(sizes, tuple(means.tolist()), spreads, limit, slope, fit, full_rank=sizes[0] > generated.shape[1])


def _line(x: NDArray, y: NDArray) -> tuple[float, float, float]:
    """Intercept, slope and explained share of variance of a least-squares line."""
    slope, intercept = np.polyfit(x, y, 1)
    left, all_of_it = np.square(y - intercept - slope * x).sum(), np.square(y - y.mean()).sum()
    return float(intercept), float(slope), float(1 - left / all_of_it) if all_of_it > 0 else 1.0


def limit_record(curve: SizeCurve, metric: str, split: str, seed: int, **protocol: Any) -> tuple[str, dict[str, Any]]:
    """Name (`<metric>:limit`) and record of a curve's limit; the curve is in the record. n is the largest size."""
    name = f"{metric}:limit"
    return name, record(curve.limit, curve.sizes[-1], split, seed, metric=name, curve=asdict(curve), **protocol)
