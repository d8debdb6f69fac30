"""Collapses, spread, restless losses."""

import numpy as np
import pandas
import pytest

from sweettok.reporting.collect import Results
from sweettok.reporting.rules.stability import Stability, restlessness, seed_stabilities

TEST = Stability(kind="stability", variant="full", reference="end_to_end")
CALM = [20.0, 20.1, 19.9]


def history(noise, scale=1.0, validations=((100, 15.5), (200, 17.0), (300, 20.0))):
    """Losses that alternate around `scale` by `noise`, of two trainings with different scales."""
    rows = [
        {"stage": "joint" if step <= 250 else "pixels", "step": step, "split": "train",
         "loss": (10 if step <= 250 else 1) * scale * (1 + noise * (-1) ** place)}
        for place, step in enumerate(range(10, 301, 10))
    ]  # fmt: skip
    rows += [{"stage": "joint", "step": step, "split": "val", "psnr": psnr} for step, psnr in validations]
    return pandas.DataFrame(rows)


def noisy(*levels):
    return [history(level) for level in levels]


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ((0.02, 0.021, 0.019), (0.3, 0.31, 0.32), "supported"),
        ((0.3, 0.31, 0.32), (0.02, 0.021, 0.019), "contradicted"),
        ((0.3, 0.02, 0.1), (0.1, 0.1, 0.1), "inconclusive"),
    ],
)
def test_restless_losses_decide(cells, of, ours, theirs, verdict):
    results = of(cells("full", CALM, histories=noisy(*ours)), cells("end_to_end", CALM, histories=noisy(*theirs)))
    assert TEST.ruling(results).verdict == verdict


def test_spread_and_collapses_decide_with_seeds_enough(cells, of):
    calm = 20 + 0.01 * np.arange(10)
    wild = 20 + 1.0 * np.arange(10)
    ruling = TEST.ruling(of(cells("full", calm), cells("end_to_end", wild)))
    assert (ruling.verdict, ruling.effects["ratio of PSNR variances"].value) == ("supported", pytest.approx(1e-4))
    half_collapsed = np.where(np.arange(10) < 6, 16.0, 20.0)
    ruling = TEST.ruling(of(cells("full", half_collapsed), cells("end_to_end", half_collapsed * 0 + 20.0)))
    collapses = ruling.effects["share of collapsed seeds"]
    assert (collapses.value, collapses.side, ruling.verdict) == (pytest.approx(0.6), -1, "contradicted")


def test_three_collapses_of_three_are_no_proof(cells, of):
    """Fisher's exact test cannot go below 0.1 there."""
    collapses = TEST.ruling(of(cells("full", CALM), cells("end_to_end", [15.0, 15.1, 14.9]))).effects[
        "share of collapsed seeds"
    ]
    assert (collapses.value, collapses.side) == (-1.0, 0)
    assert collapses.details["fisher_p"] == pytest.approx(0.1)


def test_not_run_and_too_few_seeds(cells, of):
    assert TEST.ruling(Results("test")).verdict == "not run"
    assert TEST.ruling(of(cells("full", CALM))).verdict == "not run"
    two = TEST.ruling(of(cells("full", CALM[:2]), cells("end_to_end", CALM[:2])))
    assert two.verdict == "inconclusive" and two.reason.startswith("2 seeds")


def test_restlessness_knows_no_scale_and_no_early_steps():
    assert restlessness(history(0.0)) == pytest.approx(0)
    assert restlessness(history(0.2, scale=100.0)) == pytest.approx(restlessness(history(0.2)))
    early = history(0.2)
    early.loc[early["step"] <= 190, "loss"] *= 50
    assert restlessness(early) == pytest.approx(restlessness(history(0.2)))
    assert restlessness(history(0.2).query("split == 'val'")) is None
    # ten rows of ±0.2 around their mean, two trainings: sqrt(10 * 0.04 / 8), less what the odd fifth row moves a mean
    assert restlessness(history(0.2)) == pytest.approx((10 * 0.04 / 8) ** 0.5, rel=0.1)


def test_steps_to_the_level(cells, of):
    histories = [history(0.1), history(0.1, validations=((100, 15.0), (300, 16.0))), None]
    found = seed_stabilities(of(cells("full", CALM, histories=histories)), "full")
    assert [one.steps_to_level for one in found.values()] == [200, None, None]  # 1.5 dB above 15
    assert not any(one.collapsed for one in found.values())


def test_trainings_of_no_steps(cells, of):
    """Their history has two columns and no row."""
    histories = [pandas.DataFrame(columns=["step", "split"])] * 3
    found = seed_stabilities(of(cells("full", CALM, histories=histories)), "full")
    assert [(one.restlessness, one.steps_to_level) for one in found.values()] == [(None, None)] * 3
