"""Intervals and effect sizes over seeds, against independent references."""

import numpy as np
import pytest
from scipy import stats

from sweettok.reporting.over_seeds import hedges_g, over_seeds_of, student_interval, student_p_value


def test_the_interval_is_that_of_the_t_test():
    values = np.random.default_rng(0).normal(0.3, 1.0, 7)
    reference = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert student_interval(values) == pytest.approx((reference.low, reference.high))


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_p_value_and_interval_agree(shift):
    for values in np.random.default_rng(0).normal(shift, 1.0, (20, 5)):
        low, high = student_interval(values)
        assert (student_p_value(values) < 0.05) == (low > 0 or high < 0)


@pytest.mark.parametrize(("n", "correction"), [(3, 0.5642), (4, 0.7236), (6, 0.8408), (11, 0.9228)])
def test_hedges_correction_is_that_of_his_table(n, correction):
    """Hedges 1981, table 1: c(m) for m = n - 1."""
    values = np.arange(n) + 1.0
    assert hedges_g(values) == pytest.approx(correction * values.mean() / values.std(ddof=1), rel=1e-4)


def test_the_effect_knows_no_unit_and_changes_sign():
    values = np.array([0.5, 0.7, 1.1])
    assert hedges_g(1000 * values) == pytest.approx(hedges_g(values)) == pytest.approx(-hedges_g(-values))


def test_what_is_not_defined_is_none():
    assert over_seeds_of({4: 1.5}).interval is over_seeds_of({4: 1.5}).effect_size is None
    assert over_seeds_of({0: 1.5, 1: 1.7}).effect_size is None
    assert hedges_g([0.1 + 0.2, 0.3, 0.3]) is None and student_p_value([0.1 + 0.2, 0.3, 0.3]) is None
    assert over_seeds_of({4: 1.5}).p_value is None
    with pytest.raises(ValueError, match="seed"):
        over_seeds_of({})


def test_seeds_are_kept():
    found = over_seeds_of({0: 1.0, 2: 3.0})
    assert (found.mean, found.per_seed) == (2.0, {0: 1.0, 2: 3.0})
    assert found.interval[0] < 2.0 < found.interval[1]
