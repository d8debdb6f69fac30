"""Results in order, shares of the cores, and what becomes of the others when one fails, is killed or is left alone; by
either engine."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sweettok.errors import InputError
from sweettok.params import Machine
from sweettok.side_by_side import side_by_side

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side_jobs import be_killed, fail_or_wait, square  # noqa: E402

PATIENCE = 60  # seconds until a process that should be gone counts as left behind


def wait_until(condition):
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.fixture(params=["local", "ray"])
def engine(request):
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return request.param


@pytest.mark.parametrize(("cells", "items", "together"), [(1, [3, 1, 2], 1), (4, [7], 1), (2, [3, 1], 2)])
def test_one_at_a_time_happens_here_and_so_do_all_where_processes_train_together(cells, items, together, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", str(together))
    results = side_by_side(square, items, Machine(cells=cells, engine="local" if together == 1 else "ray"))
    assert [result for result, _, _ in results] == [x * x for x in items]
    assert {process for _, process, _ in results} == {os.getpid()}


def test_two_at_a_time_share_the_cores_and_keep_the_order():
    results = side_by_side(square, [3, 1, 2, 5], Machine(cells=2))
    assert [result for result, _, _ in results] == [9, 1, 4, 25]
    assert os.getpid() not in {process for _, process, _ in results}
    assert {threads for _, _, threads in results} == {max(1, os.cpu_count() // 2)}


def test_what_is_left_over_has_all_cores():
    here = square(0)
    results = side_by_side(square, [3, 1, 2], Machine(cells=2))
    assert [result for result, _, _ in results] == [9, 1, 4]
    assert [process == os.getpid() for _, process, _ in results] == [False, False, True]
    assert results[-1][2] == here[2]


def test_the_first_exception_ends_the_others(engine):
    with pytest.raises(InputError, match="^this will not do$"):
        side_by_side(fail_or_wait, [1, 2], Machine(cells=2, engine=engine))
    assert wait_until(lambda: not multiprocessing.active_children())


def test_a_killed_process_is_said_with_what_to_do(engine):
    with pytest.raises(InputError, match=r"memory; lower machine\.cells"):
        side_by_side(be_killed, [1, 2], Machine(cells=2, engine=engine))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_processes_do_not_outlive_the_first(how, engine, tmp_path):
    script = (
        "import signal\n"
        "from side_by_side_jobs import note_and_wait\n"
        "from sweettok.params import Machine\n"
        "from sweettok.side_by_side import side_by_side\n"
        f"both, machine = {[str(tmp_path / 'a'), str(tmp_path / 'b')]!r}, Machine(cells=2, engine={engine!r})\n"
        "if __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have jobs in the background ignore it\n"
        "    side_by_side(note_and_wait, both, machine)\n"
    )
    (tmp_path / "run.py").write_text(script)
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    first = subprocess.Popen(
        [sys.executable, tmp_path / "run.py"], env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.DEVNULL
    )
    notes = [tmp_path / "a", tmp_path / "b"]
    assert wait_until(lambda: all(note.is_file() and note.read_text() for note in notes))
    others = [int(note.read_text()) for note in notes]
    first.send_signal(how)
    assert first.wait(PATIENCE) != 0
    assert wait_until(lambda: not any(psutil.pid_exists(other) for other in others))
