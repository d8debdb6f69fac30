import numpy as np
import pytest
from scipy import stats

from sweettok.metrics.statistics import bootstrap_interval, bootstrap_of, mean_and_std


def test_mean_and_std():
    values = [1.0, 2.0, 4.0]
    mean, std = mean_and_std(values)
    assert mean == pytest.approx(7 / 3) and std == pytest.approx(np.std(values, ddof=1))
    assert mean_and_std([5.0]) == (5.0, None)


def test_interval_agrees_with_scipy():
    values = np.random.default_rng(0).exponential(size=60)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    np.testing.assert_allclose(bootstrap_interval(values, 4000, seed=0), expected, atol=0.02)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    generator = np.random.default_rng(0)
    intervals = [bootstrap_interval(generator.normal(size=60), 300, seed=i, level=0.8) for i in range(300)]
    assert np.mean([low <= 0 <= high for low, high in intervals]) == pytest.approx(0.8, abs=0.08)


def test_interval_properties():
    values = np.random.default_rng(0).normal(size=100)
    low, high = bootstrap_interval(values, 500, seed=0)
    assert low < values.mean() < high
    assert (low, high) == bootstrap_interval(values, 500, seed=0) != bootstrap_interval(values, 500, seed=1)
    inner = bootstrap_interval(values, 500, seed=0, level=0.5)
    assert low < inner[0] < inner[1] < high
    assert bootstrap_interval(np.full(5, 3.0), 50, seed=0) == pytest.approx((3.0, 3.0))


def test_bootstrap_of_the_mean_is_the_interval_of_the_mean():
    values = np.random.default_rng(0).normal(size=80)
    general = bootstrap_of(lambda rows: values[rows].mean(), (80,), 4000, seed=0)
    np.testing.assert_allclose(general, bootstrap_interval(values, 4000, seed=0), atol=0.02)


def test_bootstrap_of_takes_out_the_shift_of_a_biased_statistic():
    """The number of distinct rows falls in every resample; the interval is still about the statistic of all rows."""
    low, high = bootstrap_of(lambda rows: len(np.unique(rows)), (50,), 200, seed=0)
    assert low < 50 < high


def test_bootstrap_of_two_sets_draws_them_independently():
    a, b = np.random.default_rng(0).normal(size=(2, 100))
    low, high = bootstrap_of(lambda rows_a, rows_b: a[rows_a].mean() - b[rows_b].mean(), (100, 100), 2000, seed=0)
    deviation = np.sqrt(a.var() / 100 + b.var() / 100)
    assert high - low == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def test_bad_input():
    with pytest.raises(ValueError, match="finite"):
        bootstrap_interval([1.0, np.nan], 10, seed=0)
    with pytest.raises(ValueError, match="value"):
        mean_and_std([])
    with pytest.raises(ValueError, match="level"):
        bootstrap_interval([1.0, 2.0], 10, seed=0, level=95)
    with pytest.raises(ValueError, match="sizes"):
        bootstrap_of(lambda: 0.0, (), 10, seed=0)
