"""Kept metrics: nothing is lost or sent twice, whoever adds, fails or is killed in between."""

import json
import subprocess
import sys

import pytest

from sweettok.unsent import keep, send, unsent_file


def line(run, value, run_id=None):
    return {"run": run, "run_id": run_id, "key": "loss", "value": value, "timestamp": 0, "step": value}


def test_each_run_is_taken_once_with_its_lines_in_order(tmp_path):
    keep(tmp_path, "ablation", [line("one", 1), line("other", 2)])
    keep(tmp_path, "ablation", [line("one", 3)])
    keep(tmp_path, "train_proxy", [line("proxy", 4, "id")])
    taken = []
    assert send(tmp_path, lambda stage, lines: taken.append((stage, lines))) == 3
    assert taken == [
        ("ablation", [line("one", 1), line("one", 3)]),
        ("ablation", [line("other", 2)]),
        ("train_proxy", [line("proxy", 4, "id")]),
    ]
    assert send(tmp_path, lambda stage, lines: taken.append(stage)) == 0 and len(taken) == 3


def test_what_is_not_taken_is_kept(tmp_path):
    keep(tmp_path, "ablation", [line("one", 1), line("other", 2)])
    taken = []

    def take(stage, lines):
        if taken:
            raise OSError("gone again")
        taken.append(lines)

    with pytest.raises(OSError, match="gone again"):
        send(tmp_path, take)
    assert send(tmp_path, lambda stage, lines: taken.append(lines)) == 1
    assert taken == [[line("one", 1)], [line("other", 2)]]


def test_a_line_cut_by_a_kill_is_said_and_the_others_are_sent(tmp_path):
    keep(tmp_path, "ablation", [line("one", 1)])
    with unsent_file(tmp_path, "ablation").open("a") as log:
        log.write('{"run": "one", "run_i')
    taken = []
    with pytest.warns(UserWarning, match="not whole"):
        send(tmp_path, lambda stage, lines: taken.extend(lines))
    assert taken == [line("one", 1)]


def test_a_project_without_kept_metrics_gets_no_folder(tmp_path):
    assert send(tmp_path, lambda stage, lines: None) == 0 and not list(tmp_path.iterdir())


def test_processes_side_by_side_lose_no_line(tmp_path):
    program = (
        "import sys\nfrom pathlib import Path\nfrom sweettok.unsent import keep\n"
        "for number in range(50): keep(Path(sys.argv[1]), 'ablation', [{'run': sys.argv[2], 'run_id': None, 'n': number}] * 20)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in "ab"]
    taken = []
    while any(writer.poll() is None for writer in writers):
        send(tmp_path, lambda stage, lines: taken.extend(lines))
    send(tmp_path, lambda stage, lines: taken.extend(lines))
    expected = sorted(
        json.dumps({"run": name, "run_id": None, "n": n}) for name in "ab" for n in range(50) for _ in range(20)
    )
    assert [writer.returncode for writer in writers] == [0, 0] and sorted(map(json.dumps, taken)) == expected
