"""Restless losses, collapses, steps to a level."""

from math import log

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


def test_a_calmer_loss_lies_above_zero(cells, of):
    ours, theirs = noisy(0.02, 0.021, 0.019), noisy(0.3, 0.31, 0.32)
    found = TEST.measured(of(cells("full", CALM, histories=ours), cells("end_to_end", CALM, histories=theirs)), "")
    expected = [log(restlessness(b) / restlessness(a)) for a, b in zip(ours, theirs, strict=True)]
    assert found.primary.per_seed == pytest.approx(expected) and min(expected) > 2 and not found.open_because
    swapped = TEST.measured(of(cells("full", CALM, histories=theirs), cells("end_to_end", CALM, histories=ours)), "")
    assert swapped.primary.mean == pytest.approx(-found.primary.mean)


def test_collapses_are_told_beside_it(cells, of):
    histories = noisy(0.1, 0.1, 0.1)
    full, end_to_end = (
        cells(*cell, histories=histories) for cell in (("full", CALM), ("end_to_end", [15.0, 15.1, 20]))
    )
    assert TEST.measured(of(full, end_to_end), "").remark == "collapsed: full 0 of 3, end_to_end 2 of 3"


def test_not_run_and_one_seed(cells, of):
    assert TEST.measured(Results("test"), "").primary is None
    assert TEST.measured(of(cells("full", CALM), cells("end_to_end", CALM)), "").primary is None  # no curves
    pair = (cells(name, CALM[:1], histories=noisy(0.1)) for name in ("full", "end_to_end"))
    assert TEST.measured(of(*pair), "").open_because == "one seed says nothing of others"


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
