"""A difference that is known once a seed: mean, Student's t interval, standardised effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log

import numpy as np
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class OverSeeds:
    """Of one number a seed: interval and p_value are None for fewer than two seeds, effect_size for fewer than three; the
    latter two also without spread."""

    mean: float
    interval: tuple[float, float] | None
    effect_size: float | None
    p_value: float | None
    per_seed: dict[int, float]


def over_seeds_of(per_seed: Mapping[int, float]) -> OverSeeds:
    """seed -> a paired difference. Raises ValueError for no seed."""
    values = list(per_seed.values())
    if not values:
        raise ValueError("expected at least one seed")
    return OverSeeds(
        float(np.mean(values)), student_interval(values), hedges_g(values), student_p_value(values), dict(per_seed)
    )


def student_interval(per_seed: Sequence[float]) -> tuple[float, float] | None:
    """Student's t interval of the mean of the seeds' differences; None for a single seed."""
    if len(per_seed) < 2:
        return None
    half = stats.t.ppf((1 + LEVEL) / 2, len(per_seed) - 1) * stats.sem(per_seed)
    mean = float(np.mean(per_seed))
    return mean - float(half), mean + float(half)


def student_p_value(per_seed: Sequence[float]) -> float | None:
    """Two-sided, of the seeds' differences having mean zero; None for a single seed and where they do not vary."""
    if len(per_seed) < 2 or _is_constant(per_seed):
        return None
    return float(stats.ttest_1samp(per_seed, 0.0).pvalue)


def hedges_g(per_seed: Sequence[float]) -> float | None:
    """Standardised mean of paired differences: mean / standard deviation, times Hedges' correction.

    The correction is the exact one (Hedges 1981): gamma(m / 2) / (sqrt(m / 2) gamma((m - 1) / 2)) for m = n - 1 degrees
    of freedom; without it three seeds overstate the effect by three quarters. None below three seeds (no correction
    exists for one degree of freedom) and where the differences do not vary.
    """
    freedom = len(per_seed) - 1
    if freedom < 2:
        return None
    if _is_constant(per_seed):
        return None
    mean, spread = float(np.mean(per_seed)), float(np.std(per_seed, ddof=1))
    correction = exp(lgamma(freedom / 2) - lgamma((freedom - 1) / 2) - 0.5 * log(freedom / 2))
    return correction * mean / spread


def _is_constant(per_seed: Sequence[float]) -> bool:
    """But for rounding, which would give an effect of 1e15."""
    return float(np.std(per_seed, ddof=1)) <= 1e-12 * max(1e-300, float(np.abs(per_seed).max()))
