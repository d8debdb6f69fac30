"""Claims that decide together: by hand, and over simulated studies with known effects."""

import numpy as np
import pytest
from scipy import stats

from sweettok.reporting.family import Question, decide
from sweettok.reporting.paired import difference_over_seeds, paired_difference, shift_seen

SMALLEST, STUDIES, CLAIMS, CLIPS = 0.25, 1000, 6, 20


def of(*per_seed, aim="better"):
    return Question(difference_over_seeds(dict(enumerate(per_seed))), SMALLEST, aim)


@pytest.mark.parametrize(
    ("per_seed", "better", "same", "not_worse"),
    [
        ((1.0, 1.1, 0.9), "supported", "contradicted", "supported"),
        ((-1.0, -1.1, -0.9), "contradicted", "contradicted", "contradicted"),
        ((0.01, 0.02, -0.02), "equivalent", "supported", "supported"),
        ((0.10, 0.11, 0.12), "equivalent", "supported", "supported"),  # there, but too small to matter
        ((0.2, 0.25, 0.3), "supported", "inconclusive", "supported"),  # it may matter
        ((2.0, -2.0, 0.0), "inconclusive", "inconclusive", "inconclusive"),
    ],
)
def test_outcomes(per_seed, better, same, not_worse):
    aims = {"better": better, "same": same, "not worse": not_worse}
    assert {aim: decide([of(*per_seed, aim=aim)])[0][0] for aim in aims} == aims


def test_a_claim_decided_alone_is_lost_among_many():
    clear, rng = of(1.0, 1.3, 1.2), np.random.default_rng(2)
    assert decide([clear]) == (["supported"], 0.05)
    outcomes, level = decide([clear, *(of(*rng.normal(size=3)) for _ in range(39))])
    assert set(outcomes) == {"inconclusive"} and level == pytest.approx(0.05 / 40)
    assert decide([]) == ([], 0.05)


def test_the_level_is_what_one_more_needs():
    """With k of m decided, the next is the (k + 1)th smallest p value, which must be at most 0.05 (k + 1) / m."""
    family = [of(1.0, 1.01, 1.02), of(3.0, 3.01, 3.02), of(2.0, -2.0, 0.1), of(1.0, -2.0, 0.1)]
    outcomes, level = decide(family)
    assert outcomes[:2] == ["supported"] * 2 and level == pytest.approx(0.05 * 3 / 4)
    assert decide(family[:2])[1] == 0.05


def studies(effects, seeds, of_seeds, of_clips, rest=0.2):
    """The outcomes of many studies, (studies, claims); each claim has seeds and clips of its own."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(STUDIES):
        family = []
        for effect in effects:
            values = effect + of_seeds * rng.normal(size=(seeds, 1)) + of_clips * rng.normal(size=(1, CLIPS))
            values += rest * rng.normal(size=(seeds, CLIPS))
            family.append(Question(paired_difference(values, np.zeros_like(values), range(seeds)), SMALLEST))
        found.append(decide(family)[0])
    return np.array(found)


@pytest.mark.parametrize(("seeds", "of_seeds", "of_clips"), [(2, 0.2, 0.6), (3, 0.3, 0.0), (6, 0.1, 0.5)])
def test_where_nothing_makes_a_difference_few_studies_claim_one(seeds, of_seeds, of_clips):
    found = studies([0.0] * CLAIMS, seeds, of_seeds, of_clips)
    wrong = int(np.isin(found, ("supported", "contradicted")).any(axis=1).sum())
    assert stats.binomtest(wrong, STUDIES).proportion_ci(0.95).high <= 0.05


def test_a_difference_that_matters_is_rarely_called_none():
    found = studies([SMALLEST] * CLAIMS, 4, 0.1, 0.2)
    wrong = int((found == "equivalent").any(axis=1).sum())
    assert stats.binomtest(wrong, STUDIES).proportion_ci(0.95).high <= 0.05


def test_of_what_is_called_a_difference_at_most_one_in_twenty_is_none():
    effects = np.array([1.5, 1.5, 0.0, 0.0, 0.0, 0.0])
    found = studies(effects, 4, 0.2, 0.4) == "supported"
    false = found[:, effects == 0].sum(axis=1) / np.maximum(1, found.sum(axis=1))
    assert found[:, effects > 0].mean() > 0.8 and false.mean() <= 0.05


@pytest.mark.parametrize(("seeds", "of_clips"), [(3, 0.0), (8, 0.0), (5, 0.3), (4, 1.0)])
def test_power_is_as_stated(seeds, of_clips):
    """Of an effect that is just detectable by a claim alone."""
    of_seeds, rest = 0.3, 0.2
    parts = (((of_seeds**2 + rest**2 / CLIPS) / seeds, seeds - 1), (of_clips**2 / CLIPS, CLIPS - 1))
    effect = sum(variance * shift_seen(freedom, 0.05) ** 2 for variance, freedom in parts) ** 0.5
    found = studies([effect], seeds, of_seeds, of_clips, rest)
    assert (found == "supported").mean() == pytest.approx(0.8, abs=0.04)
