import numpy as np
import pytest
from scipy import stats

from sweettok.metrics.statistics import bootstrap_interval, bootstrap_of, mean_and_std, paired_difference


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


def test_paired_difference_of_a_constant_shift():
    a = np.random.default_rng(0).normal(size=(3, 40))
    shifted = paired_difference(a + 0.5, a, 200, seed=0)
    assert shifted.mean == pytest.approx(0.5) and shifted.interval == pytest.approx((0.5, 0.5))
    assert shifted.per_seed == pytest.approx((0.5, 0.5, 0.5)) and shifted.effect_size is None


def test_pairing_removes_what_both_methods_share():
    generator = np.random.default_rng(0)
    difficulty = 5 * generator.normal(size=(1, 200))
    a = difficulty + 0.3 + 0.2 * generator.normal(size=(3, 200))
    b = difficulty + 0.2 * generator.normal(size=(3, 200))
    found = paired_difference(a, b, 1000, seed=0)
    assert 0 < found.interval[0] < 0.3 < found.interval[1] < 0.4
    assert found.mean == pytest.approx((a - b).mean()) and found.per_seed == pytest.approx(tuple((a - b).mean(axis=1)))
    by_clip = (a - b).mean(axis=0)
    assert found.effect_size == pytest.approx(by_clip.mean() / by_clip.std(ddof=1))
    mirrored = paired_difference(b, a, 1000, seed=0)
    assert mirrored.interval == pytest.approx((-found.interval[1], -found.interval[0]))
    assert mirrored.effect_size == pytest.approx(-found.effect_size)


def test_paired_interval_agrees_with_a_plain_two_level_bootstrap():
    generator = np.random.default_rng(0)
    difference = generator.normal(size=(4, 1)) + generator.normal(size=(1, 30)) + 0.5 * generator.normal(size=(4, 30))
    draws = []
    for _ in range(4000):
        seeds, clips = generator.integers(4, size=4), generator.integers(30, size=30)
        draws.append(difference[seeds][:, clips].mean())
    found = paired_difference(difference, np.zeros((4, 30)), 4000, seed=0)
    np.testing.assert_allclose(found.interval, np.quantile(draws, [0.025, 0.975]), atol=0.08)


def test_seeds_that_disagree_widen_the_interval():
    clips = np.random.default_rng(0).normal(size=(1, 100))
    agree = paired_difference(np.repeat(clips, 3, axis=0), np.zeros((3, 100)), 500, seed=0)
    disagree = paired_difference(clips + np.array([[-2.0], [0.0], [2.0]]), np.zeros((3, 100)), 500, seed=0)
    assert np.ptp(disagree.interval) > 3 * np.ptp(agree.interval)


def test_a_metric_without_clips_goes_in_as_one_column():
    found = paired_difference([[3.0], [4.0], [5.0]], [[1.0], [2.0], [1.0]], 500, seed=0)
    assert found.mean == pytest.approx(8 / 3) and found.effect_size is None
    assert found.interval == pytest.approx((2.0, 4.0))


def test_bad_input():
    with pytest.raises(ValueError, match="shapes"):
        paired_difference(np.zeros((3, 4)), np.zeros((3, 5)), 10, seed=0)
    with pytest.raises(ValueError, match="2 axes"):
        paired_difference(np.zeros(4), np.zeros(4), 10, seed=0)
    with pytest.raises(ValueError, match="finite"):
        bootstrap_interval([1.0, np.nan], 10, seed=0)
    with pytest.raises(ValueError, match="value"):
        mean_and_std([])
    with pytest.raises(ValueError, match="level"):
        bootstrap_interval([1.0, 2.0], 10, seed=0, level=95)
    with pytest.raises(ValueError, match="sizes"):
        bootstrap_of(lambda: 0.0, (), 10, seed=0)
