"""The check of a GPU at the smallest size, on a CPU: what it measures, and that it tells what fails."""

import time
from functools import partial

from bench.gpu_check import Rig, measure_coding, measure_sampling, measure_step, run_part


def test_parts_are_measured_and_failures_told(tmp_path, capsys):
    rig, rows, later = Rig("smoke", 2, 16), [], time.monotonic() + 600
    for training in ("train_joint", "prior"):
        run_part(rows, later, training, partial(measure_step, rig, training, False, tmp_path))
    run_part(rows, later, "coding", partial(measure_coding, rig))
    run_part(rows, later, "sampling", partial(measure_sampling, rig))
    assert [row for row in rows if "error" in row] == []
    assert all(row["ms"] > 0 and row["tflops"] > 0 for row in rows[:2]) and rows[3]["indices"] > 0
    run_part(rows, later, "broken", lambda row: 1 // 0)
    run_part(rows, 0, "late", lambda row: None)
    assert [row["error"].partition(":")[0] for row in rows[4:]] == ["ZeroDivisionError", "TimeoutError"]
    assert "broken" in capsys.readouterr().out
