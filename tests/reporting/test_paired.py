"""Differences paired by seed and clip: mean, interval, tests, and what they could have seen."""

import numpy as np
import pytest
from scipy import stats

from sweettok.reporting.paired import difference_over_seeds, paired_difference, shift_seen

PER_SEED = {0: 0.5, 1: 1.0, 4: 1.5}


def crossed(rng, seeds, clips, of_seeds=0.0, of_clips=0.0, rest=0.0, mean=0.0):
    """Differences (seeds, clips) with these standard deviations."""
    values = of_seeds * rng.normal(size=(seeds, 1)) + of_clips * rng.normal(size=(1, clips))
    return mean + values + rest * rng.normal(size=(seeds, clips))


def paired(values):
    return paired_difference(values, np.zeros_like(values), range(len(values)))


def test_over_seeds_it_is_student_s_paired_test():
    found, reference = difference_over_seeds(PER_SEED), stats.ttest_1samp(list(PER_SEED.values()), 0)
    interval = reference.confidence_interval(0.95)
    assert (found.mean, found.seeds, found.per_seed) == (1.0, (0, 1, 4), (0.5, 1.0, 1.5))
    assert found.interval == pytest.approx((interval.low, interval.high))
    assert found.p_apart() == pytest.approx(reference.pvalue)
    assert found.p_apart(0.4) == pytest.approx(stats.ttest_1samp(list(PER_SEED.values()), 0.4).pvalue)


@pytest.mark.parametrize("seeds", [1, 3])
def test_p_values_and_intervals_say_the_same(seeds):
    """The p value of either end of an interval is 1 - level; so it is far out, and on both sides of zero."""
    found = paired(crossed(np.random.default_rng(5), seeds, 40, 0.1, 0.5, 0.3))
    for end in found.interval:
        assert found.p_apart(end) == pytest.approx(0.05)
    assert found.p_apart(found.mean) == pytest.approx(1.0) and found.p_apart(1e200) == pytest.approx(2e-100)
    assert found.p_within(abs(found.mean) - 0.1) + found.p_within(abs(found.mean) + 0.1) == pytest.approx(1.0)


def test_equivalence_is_two_one_sided_tests():
    found, values = difference_over_seeds(PER_SEED), list(PER_SEED.values())
    for margin in (0.3, 1.0, 3.0):
        above = stats.ttest_1samp(values, -margin, alternative="greater").pvalue
        below = stats.ttest_1samp(values, margin, alternative="less").pvalue
        assert found.p_within(margin) == pytest.approx(max(above, below))
    assert found.p_beyond(0.4) == pytest.approx(found.p_apart(0.4)) and found.p_beyond(2.0) == 1.0


def test_one_seed_has_an_interval_only_over_its_clips():
    alone = difference_over_seeds({3: 1.5})
    assert alone.interval is alone.detectable(0.05) is alone.seeds_needed(0.1, 0.05) is None and alone.p_apart() == 1.0
    clips = np.random.default_rng(0).normal(size=(1, 50))
    reference = stats.ttest_1samp(clips[0], 0).confidence_interval(0.95)
    assert paired(clips).interval == pytest.approx((reference.low, reference.high))
    assert paired(clips).seeds_needed(0.1, 0.05) is None


def test_differences_that_do_not_vary():
    same, shifted = difference_over_seeds({0: 0.0, 1: 0.0}), difference_over_seeds({0: 0.1 + 0.2, 1: 0.3})
    assert (same.p_apart(), same.p_within(0.1), same.interval) == (1.0, 0.0, (0.0, 0.0))
    assert (shifted.standard_error, shifted.p_apart(), shifted.p_within(0.5)) == (0.0, 0.0, 0.0)


def test_variances_of_seeds_and_clips_are_told_apart():
    """Mean over many draws against what was put in: of seeds (0.3^2 + 0.5^2 / 40) / 5, of clips 0.8^2 / 40."""
    rng = np.random.default_rng(0)
    found = [paired(crossed(rng, 5, 40, 0.3, 0.8, 0.5)) for _ in range(1000)]
    assert np.mean([one.seed_variance for one in found]) == pytest.approx((0.09 + 0.25 / 40) / 5, rel=0.08)
    assert np.mean([one.clip_variance for one in found]) == pytest.approx(0.64 / 40, rel=0.03)
    spread = np.var([one.mean for one in found])
    assert spread == pytest.approx(np.mean([one.standard_error**2 for one in found]), rel=0.15)


@pytest.mark.parametrize(("of_seeds", "of_clips"), [(0.3, 0.0), (0.0, 2.0), (0.2, 1.0)])
@pytest.mark.parametrize("seeds", [2, 3, 6])
def test_intervals_hold_the_truth_at_least_as_often_as_they_say(seeds, of_seeds, of_clips):
    rng = np.random.default_rng(seeds)
    intervals = [paired(crossed(rng, seeds, 30, of_seeds, of_clips, 0.2, mean=1.0)).interval for _ in range(1000)]
    missed = sum(not low <= 1.0 <= high for low, high in intervals)
    assert stats.binomtest(missed, 1000, 0.05, alternative="greater").pvalue > 0.01


def test_pairing_removes_what_both_methods_share():
    rng = np.random.default_rng(0)
    shared = crossed(rng, 3, 200, of_seeds=1.0, of_clips=5.0)
    a, b = (shared + 0.1 * rng.normal(size=(3, 200)) for _ in range(2))
    assert paired_difference(a, b, (0, 1, 2)).pairing > 0.99
    assert paired_difference(a, crossed(rng, 3, 200, 1.0, 5.0), (0, 1, 2)).pairing < 0.5
    assert difference_over_seeds(PER_SEED).pairing is None


@pytest.mark.parametrize("seeds", [2, 3, 8])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_an_effect_just_detectable_is_seen_four_times_of_five(seeds, level):
    rng = np.random.default_rng(1)
    effect = shift_seen(seeds - 1, level) * 0.3 / seeds**0.5
    values = rng.normal(effect, 0.3, (4000, seeds))
    assert np.mean(stats.ttest_1samp(values, 0, axis=1).pvalue <= level) == pytest.approx(0.8, abs=0.025)


def test_seeds_needed_are_the_fewest_that_see_the_effect():
    found = paired(crossed(np.random.default_rng(2), 3, 400, of_seeds=0.3, of_clips=0.1))
    needed = found.seeds_needed(0.2, 0.05)

    def seen(seeds):
        parts = ((found.seed_variance * 3 / seeds, seeds - 1), (found.clip_variance, 399))
        return sum(variance * shift_seen(freedom, 0.05) ** 2 for variance, freedom in parts) ** 0.5

    assert seen(needed) <= 0.2 < seen(needed - 1)
    assert found.seeds_needed(1e-3, 0.05) is None  # the clips alone vary more
    assert found.detectable(0.01) > found.detectable(0.05) > found.standard_error


def test_bad_input():
    with pytest.raises(ValueError, match="expected two"):
        paired_difference(np.zeros((3, 4)), np.zeros((3, 5)), (0, 1, 2))
    with pytest.raises(ValueError, match="expected two"):
        difference_over_seeds({})
    with pytest.raises(ValueError, match="finite"):
        difference_over_seeds({0: float("nan")})
