"""Better than, and as good as: every verdict, and what makes a comparison unfair."""

import pytest

from sweettok.reporting.collect import Results
from sweettok.reporting.rules.variants import BetterThan, Equivalent

BETTER = BetterThan(kind="better_than", better="full", worse="lc")
SAME = Equivalent(kind="equivalent", variant="full", reference="lc", margin_db=0.25)
BASE = [20.0, 20.3, 20.6]


def shifted(by):
    return [value + shift for value, shift in zip(BASE, by, strict=True)]


@pytest.mark.parametrize(
    ("by", "verdict"),
    [((1.0, 1.1, 0.9), "supported"), ((-1.0, -1.1, -0.9), "contradicted"), ((1.0, -1.0, 0.1), "inconclusive")],
)
def test_better_than(cells, of, by, verdict):
    ruling = BETTER.ruling(of(cells("full", shifted(by)), cells("lc", BASE)))
    assert ruling.verdict == verdict
    assert ruling.effects["psnr"].value == pytest.approx(sum(by) / 3)
    assert {"supported": 1, "contradicted": -1, "inconclusive": 0}[verdict] == ruling.effects["psnr"].side


def test_one_metric_decides_and_two_that_disagree_do_not(cells, of):
    same, higher = shifted((0.0, 0.02, -0.02)), shifted((1.0, 1.1, 0.9))
    nearer, farther = [3.0, 3.1, 2.9], [7.0, 7.1, 6.9]
    assert BETTER.ruling(of(cells("full", same, nearer), cells("lc", BASE))).verdict == "supported"
    assert BETTER.ruling(of(cells("full", same, farther), cells("lc", BASE))).verdict == "contradicted"
    disagreeing = BETTER.ruling(of(cells("full", higher, farther), cells("lc", BASE)))
    assert disagreeing.verdict == "inconclusive"
    assert "psnr for it, frechet_video/judge against it" in disagreeing.reason


@pytest.mark.parametrize("rule", [lambda results: BETTER.ruling(results), lambda results: SAME.ruling(results)])
def test_not_run_too_few_seeds_and_not_learned(cells, of, rule):
    assert rule(Results("test")).verdict == rule(of(cells("full", BASE))).verdict == "not run"
    two = rule(of(cells("full", [20.0, 20.01]), cells("lc", [20.0, 20.0])))
    assert (two.verdict, two.reason.partition(";")[0]) == ("inconclusive", "2 seeds, the rule asks for 3")
    unlearned = rule(of(cells("full", BASE), cells("lc", [16.0, 20.0, 20.0])))
    assert unlearned.verdict == "inconclusive"
    assert "lc less than 1.5 dB" in unlearned.reason


@pytest.mark.parametrize(
    ("by", "verdict"),
    [
        ((0.01, 0.02, -0.02), "supported"),
        ((1.0, 1.1, 0.9), "contradicted"),
        ((-1.0, -1.1, -0.9), "contradicted"),
        ((0.2, 0.25, 0.3), "inconclusive"),  # centred on the margin
        ((2.0, -2.0, 0.0), "inconclusive"),  # wider than the margins
    ],
)
def test_equivalent(cells, of, by, verdict):
    ruling = SAME.ruling(of(cells("full", shifted(by)), cells("lc", BASE)))
    assert ruling.verdict == verdict
    assert "0.25 dB" in ruling.reason


def test_terms_are_those_of_the_summaries(cells, of):
    fair = BETTER.ruling(of(cells("full", BASE), cells("lc", BASE, parameters=1040)))
    assert "equal tokens (80), bits (560), steps (400)" in fair.reason
    assert "parameters 1,000 against 1,040, within 5 %" in fair.reason
    assert "warning" not in fair.reason
    assert fair.terms["parameters"] == (1000, 1040)
    trained = BETTER.ruling(
        of(cells("full", BASE, parameters_trained=2000), cells("lc", BASE, parameters_trained=1200))
    )
    assert "warning: parameters trained 2,000 against 1,200" in trained.reason
    unfair = BETTER.ruling(of(cells("full", BASE), cells("lc", BASE, parameters=1060, bits=663.0)))
    assert "warning: bits 560 against 663, parameters 1,000 against 1,060" in unfair.reason
