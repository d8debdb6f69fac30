"""Priors of several sizes."""

import pytest

from sweettok.reporting.collect import PriorRun, Results
from sweettok.reporting.rules.scaling import Scaling

TEST = Scaling(kind="scaling", metric="frechet_video/judge", smaller="small", larger="large")
PARAMETERS = {"small": 1_000, "base": 4_000, "large": 16_000}


def results(seeds=3, **distances):
    """size -> Frechet distance of each seed; the loss falls with size."""
    priors = []
    for size, values in distances.items():
        for seed, value in enumerate(values[:seeds]):
            metrics = {"frechet_video/judge": {"value": value}, "loss": {"value": 4 - PARAMETERS[size] / 16_000}}
            priors.append(PriorRun(size, seed, {"parameters": PARAMETERS[size], "metrics": metrics}))
    return Results("test", prior_scaling=tuple(priors))


@pytest.mark.parametrize(
    ("large", "verdict"),
    [((5.0, 5.2, 5.1), "supported"), ((9.0, 9.2, 9.1), "contradicted"), ((5.0, 9.2, 7.1), "inconclusive")],
)
def test_verdicts(large, verdict):
    ruling = TEST.ruling(results(small=(7.0, 7.1, 7.2), large=large, base=(6.0, 6.0, 6.0)))
    assert ruling.verdict == verdict
    assert ruling.effects["frechet_video/judge"].value == pytest.approx(sum(large) / 3 - 7.1)
    assert ruling.effects["loss"].value == pytest.approx(-15 / 16)
    places = [ruling.reason.index(f"{size} ({count:,} parameters)") for size, count in PARAMETERS.items()]
    assert places == sorted(places)


def test_distances_that_say_nothing_decide_nothing():
    found = results(small=(7.0, 7.1, 7.2), large=(5.0, 5.2, 5.1))
    distance = found.prior_scaling[0].summary["metrics"]["frechet_video/judge"]
    distance["protocol"] = {"says_nothing": "32 clips for 64 features"}
    ruling = TEST.ruling(found)
    assert ruling.verdict == "inconclusive" and ruling.reason.startswith("says nothing: 32 clips for 64 features")


def test_not_run_and_too_few_seeds():
    assert TEST.ruling(Results("test")).verdict == "not run"
    assert TEST.ruling(results(small=(7.0, 7.1, 7.2), base=(6.0, 6.0, 6.0))).verdict == "not run"
    two = TEST.ruling(results(2, small=(7.0, 7.1, 7.2), large=(5.0, 5.1, 5.2)))
    assert two.verdict == "inconclusive" and two.reason.startswith("2 seeds")
