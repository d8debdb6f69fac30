"""Priors of several sizes."""

from math import log
from statistics import fmean

import pytest

from sweettok.reporting.collect import PriorRun, Results
from sweettok.reporting.rules.scaling import Scaling

TEST = Scaling(kind="scaling", smaller="small", larger="large")
METRIC = "frechet_video/judge"
PARAMETERS = {"small": 1_000, "base": 4_000, "large": 16_000}


def results(seeds=3, **distances):
    """size -> Frechet distance of each seed; the loss falls with size."""
    priors = []
    for size, values in distances.items():
        for seed, value in enumerate(values[:seeds]):
            metrics = {"frechet_video/judge": {"value": value}, "loss": {"value": 4 - PARAMETERS[size] / 16_000}}
            priors.append(PriorRun(size, seed, {"parameters": PARAMETERS[size], "metrics": metrics}))
    return Results("test", prior_scaling=tuple(priors))


def test_above_zero_is_what_the_larger_prior_saves():
    large = (5.0, 5.2, 5.1)
    found = TEST.measured(results(small=(7.0, 7.1, 7.2), large=large, base=(6.0, 6.0, 6.0)), METRIC)
    saved = [log(a / b) for a, b in zip((7.0, 7.1, 7.2), large, strict=True)]
    assert found.primary.per_seed == pytest.approx(saved) and found.primary.mean == pytest.approx(fmean(saved))
    assert found.secondary["loss"].mean == pytest.approx(-15 / 16) and not found.open_because
    places = [found.remark.index(f"{size} ({count:,} parameters)") for size, count in PARAMETERS.items()]
    assert places == sorted(places)
    swapped = TEST.measured(results(small=large, large=(7.0, 7.1, 7.2)), METRIC)
    assert swapped.primary.mean == pytest.approx(-found.primary.mean)


def test_distances_that_say_nothing_decide_nothing():
    found = results(small=(7.0, 7.1, 7.2), large=(5.0, 5.2, 5.1))
    distance = found.prior_scaling[0].summary["metrics"][METRIC]
    distance["protocol"] = {"says_nothing": "32 clips for 64 features"}
    assert TEST.measured(found, METRIC).open_because == "not meaningful: 32 clips for 64 features"


def test_not_run_and_one_seed():
    assert TEST.measured(Results("test"), METRIC).primary is None
    assert TEST.measured(results(small=(7.0, 7.1, 7.2), base=(6.0, 6.0, 6.0)), METRIC).primary is None
    one = TEST.measured(results(1, small=(7.0,), large=(5.0,)), METRIC)
    assert one.open_because == "one seed says nothing of others"
