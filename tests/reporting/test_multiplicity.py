"""Many differences at once: chance decides few of them, and what is far apart remains."""

from dataclasses import replace

import numpy as np
import pytest

from sweettok.reporting.claims import Verdict, load_claims
from sweettok.reporting.multiplicity import in_words, multiplicity
from sweettok.reporting.rules.ruling import Effect, Ruling, by_any

CLAIM = load_claims().claims[0]


def verdict(number: int, *per_metric, decides=True) -> Verdict:
    """Of a claim with these differences, one value a seed."""
    pairs = [dict(enumerate(map(float, per_seed))) for per_seed in per_metric]
    effects = {f"m{place}": Effect.over_seeds(pair, decides=decides) for place, pair in enumerate(pairs)}
    claim = CLAIM.model_copy(update={"statement": f"claim {number}"})
    return Verdict(claim, Ruling(*by_any(effects), effects))


def benjamini_hochberg(p_values: list[float], rate: float) -> list[bool]:
    """As in the paper of 1995: with k the largest rank whose p is at most rate k / m, the k smallest are discoveries."""
    ranked = sorted(p_values)
    last = max((k for k, p in enumerate(ranked, 1) if p <= rate * k / len(ranked)), default=0)
    return [last > 0 and p <= ranked[last - 1] for p in p_values]


def test_chance_decides_some_claims_but_hardly_any_remains():
    rng = np.random.default_rng(0)
    counted = multiplicity([verdict(number, *rng.normal(size=(3, 3))) for number in range(200)])
    assert counted.differences == 600 and counted.by_chance == pytest.approx(30)
    assert counted.apart == pytest.approx(30, abs=15)
    assert len(counted.remaining) <= 2


@pytest.mark.parametrize(("shift", "fewest", "most"), [(0, 0, 0), (1, 0, 10), (5, 5, 11), (50, 10, 11)])
def test_what_remains_is_what_the_procedure_of_1995_leaves(shift, fewest, most):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(30, 4)) + shift * (np.arange(30) < 10)[:, None]
    found = [verdict(number, per_seed) for number, per_seed in enumerate(values)]
    kept = benjamini_hochberg([one.ruling.effects["m0"].p_value for one in found], 0.05)
    expected = [f"claim {number} (m0)" for number, remains in enumerate(kept) if remains]
    assert list(multiplicity(found).remaining) == expected
    assert fewest <= len(expected) <= most


def test_a_difference_that_remains_alone_is_lost_among_many():
    clear, rng = verdict(0, (1.0, 1.3, 1.2)), np.random.default_rng(2)
    assert multiplicity([clear]).remaining == ("claim 0 (m0)",)
    many = [clear, *(verdict(number, rng.normal(size=3)) for number in range(1, 40))]
    assert multiplicity(many).remaining == ()


def test_what_a_rule_does_not_go_by_is_not_counted():
    beside = verdict(0, (1.0, 1.3, 1.2), decides=False)
    two_seeds = verdict(1, (1.0, 1.3))
    over_clips = Verdict(CLAIM, Ruling("supported", "", {"psnr": Effect(1.0, (0.9, 1.1), 1)}))
    counted = multiplicity([beside, two_seeds, over_clips, replace(two_seeds, ruling=Ruling("not run", ""))])
    assert (counted.differences, in_words(counted)) == (0, "")


def test_in_words():
    text = in_words(multiplicity([verdict(0, (1.0, 1.3, 1.2)), verdict(1, (1.0, -1.0, 0.1))]))
    assert "1 of 2 differences" in text and "about 0.1 " in text and text.endswith("1 of them remain: claim 0 (m0).")
    assert in_words(multiplicity([verdict(1, (1.0, -1.0, 0.1))])).endswith("none remains.")
