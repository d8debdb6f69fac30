"""How sure a number is: bootstrap intervals, mean and standard deviation."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray


def _finite(name: str, values: ArrayLike, ndim: int) -> NDArray[np.float64]:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != ndim or values.size == 0:
        raise ValueError(f"{name}: expected {ndim} axes and at least one value, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    return values


def _percentiles(draws: NDArray[np.float64], level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise ValueError(f"level: expected a share between 0 and 1, got {level}")
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _shares(generator: np.random.Generator, n: int, resamples: int) -> NDArray[np.float64]:
    """(resamples, n): the share of each item in a draw of n with replacement."""
    return generator.multinomial(n, np.full(n, 1 / n), size=resamples) / n


def mean_and_std(values: ArrayLike) -> tuple[float, float | None]:
    """Mean and sample standard deviation (ddof = 1) of (n,) values; the latter is None for a single value."""
    values = _finite("values", values, 1)
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None


def bootstrap_interval(values: ArrayLike, resamples: int, seed: int, level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval (low, high) of the mean of (n,) values; set by `seed`. Raises ValueError."""
    values = _finite("values", values, 1)
    return _percentiles(_shares(np.random.default_rng(seed), len(values), resamples) @ values, level)


def ratio_interval(
    above: ArrayLike, below: ArrayLike, resamples: int, seed: int, level: float = 0.95
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of sum(above) / sum(below) over the same drawn items, both (n,).

    Draws without anything below have no ratio and do not count; None where no draw has one.
    """
    above, below = np.asarray(above), np.asarray(below)
    n = len(above)
    times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)  # (R, n)
    tops, bottoms = times @ above, times @ below  # (R,)
    ratios = tops[bottoms > 0] / bottoms[bottoms > 0]
    return _percentiles(ratios, level) if len(ratios) else None


def bootstrap_of(
    statistic: Callable[..., float], sizes: tuple[int, ...], resamples: int, seed: int, level: float = 0.95
) -> tuple[float, float]:
    """Bootstrap interval (low, high) of any statistic of rows.

    statistic  takes one index array for each entry of `sizes`, and gives a number
    sizes      how many rows each independently drawn set has; paired sets share one entry

    The draws are shifted so that their mean meets the statistic of all rows: for means this changes nothing, while
    for a Frechet distance it removes the rise that repeated rows cause. Raises ValueError.
    """
    if not sizes or min(sizes) < 1:
        raise ValueError(f"sizes: expected at least one set of at least 1 row, got {sizes}")
    generator = np.random.default_rng(seed)
    drawn = [statistic(*(generator.integers(n, size=n) for n in sizes)) for _ in range(resamples)]
    draws = _finite("statistic of the resamples", drawn, 1)
    whole = statistic(*(np.arange(n) for n in sizes))
    return _percentiles(draws - draws.mean() + whole, level)
