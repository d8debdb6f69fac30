"""The check of a GPU at the smallest size, on a CPU: what it measures, and that it tells what fails."""

import json
import time
from functools import partial

import pytest
from bench.gpu_check import STAGES, Report, Rig, add_up, measure_coding, measure_sampling, measure_step, run_part


@pytest.fixture
def report(tmp_path):
    return Report(tmp_path / "check.json", time.monotonic() + 600)


@pytest.fixture(scope="module")
def rig():
    return Rig("smoke", 2, 16)


def test_parts_are_measured(rig, report, tmp_path):
    for training in ("train_joint", "prior"):
        run_part(report, training, partial(measure_step, rig, training, False, tmp_path))
    run_part(report, "coding", partial(measure_coding, rig))
    run_part(report, "sampling", partial(measure_sampling, rig))
    rows = json.loads(report.path.read_text())["rows"]
    assert [row for row in rows if "error" in row] == []
    assert all(row["ms"] > 0 and row["tflops"] > 0 for row in rows[:2]) and rows[3]["indices"] > 0


def test_failures_are_told_and_what_was_measured_is_kept(report, capsys):
    run_part(report, "ceiling", lambda row: row.update(tflops=10.0))
    run_part(report, "broken", lambda row: 1 // 0)
    assert len(json.loads(report.path.read_text())["rows"]) == 2
    run_part(report, "step", lambda row: row.update(tflops=4.0))
    report.end = 0
    run_part(report, "late", lambda row: None)
    rows = json.loads(report.path.read_text())["rows"]
    assert [row.get("error", "").partition(":")[0] for row in rows] == ["", "ZeroDivisionError", "", "TimeoutError"]
    assert rows[2]["of_ceiling"] == 0.4 and "broken" in capsys.readouterr().out


def test_the_trainings_add_up(rig):
    rows = [{"part": f"default: {name}, eager", "ms": 10.0} for name in ("proxy", *STAGES, "prior")]
    row = {}
    add_up(rig, rows, row)
    p = rig.params
    stages = (p.proxy, *(getattr(p, name) for name in STAGES), p.generator)
    assert row["s"] == pytest.approx(0.01 * sum(stage.optimiser.steps for stage in stages))
