"""Frechet distance between Gaussians fitted to features: `frechet_video/<extractor>`, `frechet_image/<extractor>`."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweettok.errors import InputError, counted
from sweettok.metrics.record import record
from sweettok.metrics.statistics import bootstrap_of

RESAMPLES = 200  # of a record's interval; one costs a millisecond at 64 features
MAX_DIMS = 400  # features of a record with an interval: I3D's; at FID's 2,048 a resample costs seconds


class FeatureMoments:
    """Running float64 sums of features, from which mean and covariance follow.

    n       rows seen
    total   sum of rows (F,)
    outer   sum of outer products (F, F)
    """

    def __init__(self, dims: int):
        self.n = 0
        self.total = np.zeros(dims)
        self.outer = np.zeros((dims, dims))

    @classmethod
    def of(cls, features: ArrayLike) -> "FeatureMoments":
        """The moments of one array (N, F)."""
        features = _rows(features)
        return cls(features.shape[1]).update(features)

    @property
    def dims(self) -> int:
        return len(self.total)

    def update(self, features: ArrayLike) -> "FeatureMoments":
        """Add rows (B, F); a torch tensor must be detached. Raises ValueError (shape, non-finite)."""
        features = _rows(features)
        if features.shape[1] != self.dims:
            raise ValueError(f"features: expected {self.dims} columns, got {features.shape[1]}")
        self.n += len(features)
        self.total += features.sum(axis=0)
        self.outer += features.T @ features
        return self

    def merge(self, other: "FeatureMoments") -> "FeatureMoments":
        """The moments of both sets of rows together. Raises ValueError where the dimensions differ."""
        _check_dims(self, other)
        both = FeatureMoments(self.dims)
        both.n, both.total, both.outer = self.n + other.n, self.total + other.total, self.outer + other.outer
        return both

    def mean(self) -> NDArray[np.float64]:
        """(F,). Raises ValueError when no row was seen."""
        if self.n < 1:
            raise ValueError("the mean of features needs at least 1 row, got 0")
        return self.total / self.n

    def covariance(self, unbiased: bool = True) -> NDArray[np.float64]:
        """(F, F), divided by n - 1 (unbiased) or n. Raises InputError when n < 2."""
        if self.n < 2:
            raise InputError(
                f"the covariance of features needs at least 2 rows, got {self.n}; take 2 or more test clips and samples"
            )
        mean = self.mean()
        return (self.outer - self.n * np.outer(mean, mean)) / (self.n - 1 if unbiased else self.n)


def too_few_clips(clips: int, dims: int) -> str:
    """Why a Frechet distance of so many clips (of the smaller set) on `dims` features is not meaningful; "" where it may.

    The covariance of n rows has at most rank n - 1. With n <= dims it is singular, so that the distance measures where
    the few clips happen to lie, and a bootstrap of them is no wider for it. Heusel et al. and pytorch-fid ask for more
    clips than features for this reason; torchmetrics for two.
    """
    return "" if clips > dims else f"{counted(clips, 'clip')} for {dims} features; needs more than {dims}"


def frechet_distance(a: FeatureMoments, b: FeatureMoments, unbiased: bool = True) -> float:
    """Squared Frechet (2-Wasserstein) distance of two Gaussians; Dowson and Landau 1982, Heusel et al. 2017.

    |mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^1/2), at least 0, in squared feature units.
    (S_a S_b)^1/2 has the trace of (S_a^1/2 S_b S_a^1/2)^1/2, whose eigenvalues are the singular values of
    S_a^1/2 S_b^1/2: no square root of a matrix that is not symmetric, and rank-deficient covariances do no harm.
    The estimate is biased upwards when n is small for the number of features; compare at equal n only.
    Raises ValueError when either n < 2 or the dimensions differ.
    """
    _check_dims(a, b)
    of_a, of_b = a.covariance(unbiased), b.covariance(unbiased)
    cross = np.linalg.svd(_symmetric_root(of_a) @ _symmetric_root(of_b), compute_uv=False).sum()
    between_means = np.square(a.mean() - b.mean()).sum()
    return max(0.0, float(between_means + np.trace(of_a) + np.trace(of_b) - 2 * cross))


def frechet_interval(
    a: ArrayLike, b: ArrayLike, resamples: int, seed: int, paired: bool, level: float = 0.95, unbiased: bool = True
) -> tuple[float, float]:
    """Bootstrap interval of the Frechet distance of features a (N, F) and b (M, F), by resampling rows.

    paired: row i of both belongs to the same clip (reconstructions), so both are drawn together.
    Duplicates in a resample raise the distance further; `bootstrap_of` takes that shift out, and the lower end is
    held at 0. The interval is that of the estimate at this n, not of its limit. Raises ValueError.
    """
    a, b = _rows(a), _rows(b)
    if paired and len(a) != len(b):
        raise ValueError(f"paired features need equally many rows, got {len(a)} and {len(b)}")

    def distance(rows_a: NDArray, rows_b: NDArray | None = None) -> float:
        rows_b = rows_a if rows_b is None else rows_b
        return frechet_distance(FeatureMoments.of(a[rows_a]), FeatureMoments.of(b[rows_b]), unbiased)

    low, high = bootstrap_of(distance, (len(a),) if paired else (len(a), len(b)), resamples, seed, level)
    return max(0.0, low), max(0.0, high)


def frechet_record(
    generated: ArrayLike,
    real: ArrayLike,
    split: str,
    seed: int,
    *,
    paired: bool,
    metric: str,
    unbiased: bool = True,
    **protocol: Any,
) -> dict[str, Any]:
    """The metric record of the Frechet distance of the features of generated clips (N, F), or reconstructed ones, from real (M, F), with a 95 % interval.

    paired: as in `frechet_interval`; the other arguments as in `record`. Above `MAX_DIMS` features the interval is
    left out. Where there are too few clips, the protocol has `says_nothing` with the reason. Raises ValueError (shapes,
    non-finite, fewer than 2 rows).
    """
    of_generated, of_real = FeatureMoments.of(generated), FeatureMoments.of(real)
    distance, interval = frechet_distance(of_generated, of_real, unbiased), None
    if of_generated.dims <= MAX_DIMS:
        low, high = frechet_interval(generated, real, RESAMPLES, seed, paired, unbiased=unbiased)
        # Taking out the resamples' shift may leave the distance just outside
        interval = min(low, distance), max(high, distance)
    if reason := too_few_clips(min(of_generated.n, of_real.n), of_generated.dims):
        protocol["says_nothing"] = reason
    covariance = "unbiased" if unbiased else "biased"
    return record(distance, of_generated.n, split, seed, interval, metric=metric, covariance=covariance, **protocol)


def _rows(features: ArrayLike) -> NDArray[np.float64]:
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2:
        raise ValueError(f"features: expected (rows, columns), got shape {features.shape}")
    if not np.isfinite(features).all():
        raise ValueError("features: expected finite numbers, got NaN or infinity")
    return features


def _check_dims(a: FeatureMoments, b: FeatureMoments) -> None:
    if a.dims != b.dims:
        raise ValueError(f"features have different dimensions: {a.dims} and {b.dims}")


def _symmetric_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The square root of a covariance; eigenvalues that are rounding noise count as 0."""
    values, vectors = np.linalg.eigh(matrix)
    noise = values.max(initial=0.0) * len(values) * np.finfo(np.float64).eps
    return (vectors * np.sqrt(np.where(values > noise, values, 0.0))) @ vectors.T
