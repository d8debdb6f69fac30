"""A difference of two methods, paired by seed and clip: its mean, how sure it is, and what it could have shown."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from scipy.optimize import brentq

LEVEL = 0.95  # of intervals
POWER = 0.8  # of what counts as detectable
LEAST = 1e-100  # p value
MOST_SEEDS = 1000  # that a reader is told to train


@dataclass(frozen=True)
class PairedDifference:
    """a - b over the same seeds and clips, seen as mean + seed + clip + rest (crossed random effects).

    mean           in the metric's unit
    seeds          which; per_seed: the mean difference of each
    clips          1 for a metric without values per clip
    seed_variance  what other seeds would add to the variance of the mean; None for one seed
    clip_variance  what other clips would add to it; None without values per clip
    pairing        share of that variance that pairing removes, against unpaired seeds and clips; None where unknown

    Seeds are few and clips are many, so each part has a Student's t of its own; their reaches are added in quadrature
    (as Howe 1974 does for two variances). With one part alone this is the usual t interval.
    """

    mean: float
    seeds: tuple[int, ...]
    per_seed: tuple[float, ...]
    clips: int
    seed_variance: float | None
    clip_variance: float | None
    pairing: float | None = None

    @property
    def _parts(self) -> list[tuple[float, int]]:
        """(variance, degrees of freedom) of seeds and of clips, as far as known. Rounding counts as no variance."""
        smallest = (1e-12 * max(map(abs, self.per_seed))) ** 2
        known = ((self.seed_variance, len(self.seeds) - 1), (self.clip_variance, self.clips - 1))
        return [
            (variance if variance > smallest else 0.0, freedom) for variance, freedom in known if variance is not None
        ]

    @property
    def standard_error(self) -> float | None:
        """None for one seed without values per clip."""
        return sum(variance for variance, _ in self._parts) ** 0.5 if self._parts else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 %; None for one seed without values per clip."""
        if not self._parts:
            return None
        reach = self._reach((1 - LEVEL) / 2)
        return self.mean - reach, self.mean + reach

    def _reach(self, tail: float) -> float:
        """How far beyond the truth the mean lies by chance with this one-sided probability."""
        return float(sum(variance * special.stdtrit(freedom, tail) ** 2 for variance, freedom in self._parts) ** 0.5)

    def p_apart(self, null: float = 0.0) -> float:
        """Two-sided, of the true difference being `null`."""
        return min(1.0, 2 * self._tail(abs(self.mean - null)))

    def p_within(self, margin: float) -> float:
        """Of the true difference lying outside ±margin: the larger of two one-sided tests."""
        return self._tail(margin - abs(self.mean))

    def p_beyond(self, margin: float) -> float:
        """Two-sided, of the true difference lying within ±margin."""
        return min(1.0, 2 * self._tail(abs(self.mean) - margin))

    def _tail(self, distance: float) -> float:
        """One-sided, of the mean lying `distance` beyond a limit by chance; at least 1e-100."""
        if not self.standard_error:  # unknown, or nothing varies
            return 0.0 if self._parts and distance > 0 else 1.0
        if distance < 0:
            return 1 - self._tail(-distance)
        if self._reach(LEAST) <= distance:
            return LEAST
        return exp(brentq(lambda tail: self._reach(exp(tail)) - distance, log(LEAST), log(0.5)))

    def detectable(self, level: float) -> float | None:
        """The smallest true difference that a two-sided test at `level` sees with a power of 0.8; None where unknown."""
        return _detectable(self._parts, level) if self._parts else None

    def seeds_needed(self, effect: float, level: float) -> int | None:
        """How many seeds see a true difference of `effect` with a power of 0.8, if their variance stays.

        None where that is unknown, or where no number of seeds up to 1,000 is enough: then it takes more clips.
        """
        if self.seed_variance is None:
            return None
        of_one, of_clips = self.seed_variance * len(self.seeds), self._parts[1:]

        def enough(seeds: int) -> bool:
            return _detectable([(of_one / seeds, seeds - 1), *of_clips], level) <= effect

        numbers = range(2, MOST_SEEDS + 1)
        place = bisect_left(numbers, True, key=enough)
        return numbers[place] if place < len(numbers) else None

    def as_json(self) -> dict[str, Any]:
        """For results.json."""
        return asdict(self) | {"interval": self.interval}


def paired_difference(a: ArrayLike, b: ArrayLike, seeds: Sequence[int]) -> PairedDifference:
    """Difference a - b of two methods measured on the same clips in each of these seeds; both (seeds, clips).

    A metric without values per clip (a Frechet distance) goes in as (seeds, 1). Raises ValueError (shapes, NaN, infinity).
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2 or len(a) != len(seeds) or not a.size:
        raise ValueError(f"expected two (seeds, clips) of {len(seeds)} seeds, got {a.shape} and {b.shape}")
    difference = a - b  # (S, C)
    if not np.isfinite(difference).all():
        raise ValueError("expected finite numbers, got NaN or infinity")
    of_seeds, of_clips = _variances(difference)
    unpaired = sum(part or 0.0 for method in (a, b) for part in _variances(method))
    return PairedDifference(
        mean=float(difference.mean()),
        seeds=tuple(seeds),
        per_seed=tuple(difference.mean(axis=1).tolist()),
        clips=a.shape[1],
        seed_variance=of_seeds,
        clip_variance=of_clips,
        pairing=1 - ((of_seeds or 0.0) + (of_clips or 0.0)) / unpaired if unpaired > 0 else None,
    )


def difference_over_seeds(per_seed: Mapping[int, float]) -> PairedDifference:
    """Of differences that are known once a seed. Raises ValueError (none, NaN, infinity)."""
    values = np.array([list(per_seed.values())], dtype=np.float64).T  # (S, 1)
    return replace(paired_difference(values, np.zeros_like(values), tuple(per_seed)), pairing=None)


def _variances(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """(seeds, clips) -> the parts of seeds and of clips in the variance of the mean; None where there is one of them."""
    seeds, clips = values.shape
    by_seed, by_clip = values.mean(axis=1), values.mean(axis=0)
    of_seeds = float(by_seed.var(ddof=1)) / seeds if seeds > 1 else None
    if clips == 1:
        return of_seeds, None
    of_clips = float(by_clip.var(ddof=1)) / clips
    if seeds > 1:  # both parts hold the rest; it counts once
        rest = values - by_seed[:, None] - by_clip + values.mean()
        of_clips -= float(np.square(rest).sum()) / ((seeds - 1) * (clips - 1)) / values.size
    return of_seeds, max(0.0, of_clips)


def _detectable(parts: Sequence[tuple[float, int]], level: float) -> float:
    return sum(variance * shift_seen(freedom, level) ** 2 for variance, freedom in parts) ** 0.5


@cache
def shift_seen(freedom: int, level: float) -> float:
    """How many standard errors a true difference must be for a two-sided t test at `level` to see it with power 0.8."""
    critical = float(stats.t.isf(level / 2, freedom))
    return float(brentq(lambda shift: stats.nct.sf(critical, freedom, shift) - POWER, 0, 2 * critical + 2))
