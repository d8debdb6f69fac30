"""The bias of small samples, on Gaussians whose distance is known."""

import numpy as np
import pytest

from sweettok.metrics.frechet import FeatureMoments, frechet_distance
from sweettok.metrics.record import is_record
from sweettok.metrics.small_sample import limit_record, size_curve

SIZES = (100, 150, 200, 300, 400, 600)


@pytest.fixture(scope="module")
def gaussians():
    """generated, real: 600 rows of 20 features; the true distance is 20 * 0.1^2 + 20 * (1.2 - 1)^2 = 1."""
    generator = np.random.default_rng(0)
    return generator.normal(0.1, 1.2, size=(600, 20)), generator.normal(size=(600, 20))


def test_the_limit_is_nearer_the_truth_than_all_rows(gaussians):
    curve = size_curve(*gaussians, SIZES, draws=6, seed=0, paired=False)
    whole = frechet_distance(*(FeatureMoments.of(rows) for rows in gaussians))
    assert curve.sizes == SIZES and curve.means[-1] == pytest.approx(whole)
    assert list(curve.means) == sorted(curve.means, reverse=True), "fewer rows, larger distance"
    assert curve.spreads[-1] is None and min(curve.spreads[:-1]) > 0, "all rows are one draw only"
    assert curve.slope > 0 and curve.fit > 0.98
    assert abs(curve.limit - 1) < 0.5 * abs(whole - 1)


def test_equal_distributions_have_no_distance_in_the_limit():
    generator = np.random.default_rng(1)
    curve = size_curve(*generator.normal(size=(2, 600, 20)), SIZES, draws=6, seed=0, paired=False)
    assert abs(curve.limit) < 0.2 * curve.means[-1]


def test_fewer_rows_than_features_are_flagged():
    """A good line with a wrong limit: the distributions are equal, so it should be 0."""
    a, b = np.random.default_rng(0).normal(size=(2, 100, 200))
    curve = size_curve(a, b, (40, 60, 80, 100), draws=3, seed=0, paired=False)
    assert not curve.full_rank and curve.fit > 0.9 and curve.limit > 0.3 * curve.means[-1]
    assert size_curve(a[:, :20], b[:, :20], (40, 100), 1, 0, paired=False).full_rank


def test_the_line_is_least_squares(gaussians):
    curve = size_curve(*gaussians, SIZES, draws=2, seed=0, paired=False)
    design = np.stack([np.ones(len(SIZES)), 1 / np.array(SIZES)], axis=1)
    solution, *_ = np.linalg.lstsq(design, np.array(curve.means), rcond=None)
    np.testing.assert_allclose((curve.limit, curve.slope), solution, rtol=1e-8)
    correlation = np.corrcoef(design[:, 1], curve.means)[0, 1]
    assert curve.fit == pytest.approx(correlation**2)


def test_paired_rows_stay_together():
    """Reconstructions that are the clips shifted by 1 have distance F at any n."""
    real = np.random.default_rng(0).normal(size=(50, 4))
    curve = size_curve(real + 1, real, (5, 10, 50), draws=3, seed=0, paired=True)
    assert curve.means == pytest.approx((4, 4, 4)) and curve.limit == pytest.approx(4)
    apart = size_curve(real + 1, real, (5, 10, 50), draws=3, seed=0, paired=False)
    assert apart.means[0] > 4.5


def test_set_by_the_seed(gaussians):
    first, again, other = (size_curve(*gaussians, (50, 100), 2, seed, paired=False) for seed in (0, 0, 1))
    assert first == again and first != other
    assert size_curve(*gaussians, (100, 50, 100), 2, 0, paired=False).sizes == (50, 100)
    assert size_curve(*gaussians, (50, 100), 1, 0, paired=False).spreads == (None, None)


def test_record(gaussians):
    curve = size_curve(*gaussians, (50, 100), draws=2, seed=0, paired=False)
    name, record = limit_record(curve, "fvd", "test", 0, extractor="i3d")
    assert name == "fvd:limit" and is_record(record) and record["value"] == curve.limit and record["n"] == 100
    assert record["protocol"]["curve"]["means"] == curve.means and record["protocol"]["extractor"] == "i3d"


@pytest.mark.parametrize(
    "sizes, draws, named",
    [
        ((100,), 2, r"sizes: .*2\.\.600, .*\[100\]"),
        ((100, 100), 2, r"sizes: .*\[100\]"),
        ((1, 100), 2, r"sizes: .*\[1, 100\]"),
        ((100, 601), 2, r"sizes: .*2\.\.600, .*601"),
        ((50, 100), 0, "draws: .* 0$"),
    ],
)
def test_bad_input(gaussians, sizes, draws, named):
    with pytest.raises(ValueError, match=named):
        size_curve(*gaussians, sizes, draws, 0, paired=False)


def test_paired_needs_equal_rows(gaussians):
    with pytest.raises(ValueError, match="600 and 500"):
        size_curve(gaussians[0], gaussians[1][:500], (50, 100), 2, 0, paired=True)
