"""Better than, and as good as: what is measured, what leaves it open, what makes a comparison unfair."""

import pytest

from sweettok.reporting.collect import Results
from sweettok.reporting.rules.measured import fairness
from sweettok.reporting.rules.variants import BetterThan, Equivalent

BETTER = BetterThan(kind="better_than", better="full", worse="lc")
SAME = Equivalent(kind="equivalent", variant="full", reference="lc")
BASE = [20.0, 20.3, 20.6]


def shifted(by):
    return [value + shift for value, shift in zip(BASE, by, strict=True)]


@pytest.mark.parametrize("test", [BETTER, SAME])
def test_the_primary_is_first_minus_second_and_the_others_stand_beside_it(cells, of, test):
    results = of(cells("full", shifted((1.0, 1.1, 0.9)), [3.0, 3.1, 3.2]), cells("lc", BASE, [5.0, 5.0, 5.0]))
    found = test.measured(results, "psnr")
    assert found.primary.mean == pytest.approx(1.0) and found.primary.clips == 4 and not found.open_because
    assert found.secondary["frechet_video/judge"].mean == pytest.approx(-1.9)


def test_where_lower_is_better_above_zero_still_speaks_for_the_claim(cells, of):
    results = of(cells("full", BASE, [3.0, 3.1, 3.2]), cells("lc", BASE, [5.0, 5.0, 5.0]))
    found = BETTER.measured(results, "frechet_video/judge")
    assert found.primary.mean == pytest.approx(1.9) and found.secondary["psnr"].mean == 0


@pytest.mark.parametrize("test", [BETTER, SAME])
def test_not_run_one_seed_not_learned_and_says_nothing(cells, of, test):
    assert (
        test.measured(Results("test"), "psnr").primary is test.measured(of(cells("full", BASE)), "psnr").primary is None
    )
    one = test.measured(of(cells("full", [20.0]), cells("lc", [19.0])), "psnr")
    assert one.open_because == "one seed says nothing of others"
    unlearned = test.measured(of(cells("full", BASE), cells("lc", [16.0, 20.0, 20.0])), "psnr")
    assert unlearned.open_because.startswith("lc less than 1.5 dB")
    results = of(cells("full", BASE), cells("lc", BASE))
    results.cells[-1].summary["metrics"]["frechet_video/judge"]["protocol"] = {"says_nothing": "3 clips, 64 features"}
    assert test.measured(results, "frechet_video/judge").open_because == "not meaningful: 3 clips, 64 features"
    assert not test.measured(results, "psnr").open_because


def test_terms_are_those_of_the_summaries(cells, of):
    def terms(**worse):
        return BETTER.measured(
            of(cells("full", BASE, parameters_trained=2000), cells("lc", BASE, **worse)), "psnr"
        ).terms

    fair = fairness(terms(parameters=1040))
    assert "equal tokens (80), bits (560), steps (400)" in fair
    assert "parameters 1,000 against 1,040, within 5 %" in fair and "warning" not in fair
    assert terms(parameters=1040)["parameters"] == (1000, 1040)
    assert "warning: parameters trained 2,000 against 1,200" in fairness(terms(parameters_trained=1200))
    assert "warning: bits 560 against 663, parameters 1,000 against 1,060" in fairness(
        terms(parameters=1060, bits=663.0)
    )
