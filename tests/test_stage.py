"""A stage in several processes: who runs, who has a run, who prints, how it fails."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from sweettok import stage
from sweettok.errors import InputError
from sweettok.mlflow_store import EXPERIMENT, open_client
from sweettok.params import resolved_yaml
from sweettok.stage import first_process, run_stage

ROOT = Path(__file__).parents[1]
SCRIPT = """
import json, os, sys
import torch
from sweettok.errors import InputError
from sweettok.models.processes import first_process_first, over_processes, own_device, process_count
from sweettok.stage import first_process, run_stage


def body(params, run):
    device = own_device()
    if sys.argv[1:] == ["fail"]:
        raise InputError("this will not do")
    print("printed")
    with first_process_first():
        order = len(os.listdir("order"))
        open(f"order/{os.environ['RANK']}", "w").close()
    squares = over_processes(lambda n: torch.tensor([n * n]), range(5)).tolist()
    seen = {"run": run is not None, "first": first_process(), "processes": process_count(), "order": order,
            "squares": squares, "device": device.type, "machine": params.machine.processes, "arguments": sys.argv[1:]}
    with open(f"seen_{os.environ['RANK']}.json", "w") as file:
        json.dump(seen, file)


if __name__ == "__main__":
    run_stage("hello", body, parallel=True)
"""


@pytest.fixture
def project(tmp_path):
    """A folder with a stage `hello` that runs in two processes."""
    params = yaml.safe_load(resolved_yaml(ROOT / "profiles" / "smoke.yaml"))
    params["machine"] |= {"processes": 2, "cells": 2}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"hello": {"cmd": "-", "params": []}}}))
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "__init__.py").touch()  # else an installed `stages` would come first
    (tmp_path / "stages" / "hello.py").write_text(SCRIPT)
    (tmp_path / "order").mkdir()
    return tmp_path


def run_hello(project, *arguments):
    # The project's own folder `stages` comes first on the path of `python -m`.
    return subprocess.run(
        [sys.executable, "-m", "stages.hello", *arguments], cwd=project, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_two_processes_one_of_which_has_a_run_and_prints(project):
    done = run_hello(project, "--some", "words; not a shell's")
    assert done.returncode == 0, done.stderr[-3000:]
    seen = [json.loads((project / f"seen_{rank}.json").read_text()) for rank in (0, 1)]
    for rank, found in enumerate(seen):
        assert found["run"] == found["first"] == (rank == 0) and found["order"] == rank
        assert found["processes"] == found["machine"] == 2 and found["squares"] == [0, 1, 4, 9, 16]
        assert found["arguments"] == ["--some", "words; not a shell's"]
    assert done.stdout.count("printed") == 1


def test_an_input_error_of_the_processes_is_a_line_and_status_1(project):
    done = run_hello(project, "fail")
    assert done.returncode == 1
    assert "hello: this will not do" in done.stderr and "Traceback" not in done.stderr


def test_other_processes_leave_a_stage_of_one_process_to_the_first(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setenv("RANK", "1")
    assert not first_process()
    called = []
    run_stage("hello", lambda params, run: called.append(run))
    assert called == []
    run_stage("hello", lambda params, run: called.append(run), parallel=True)
    assert called == [None]


def test_an_input_error_ends_with_one_line(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setenv("RANK", "1")

    def body(params, run):
        raise InputError("this will not do")

    with pytest.raises(SystemExit, match="hello: this will not do$"):
        run_stage("hello", body, parallel=True)


def test_processes_of_a_launcher_start_no_others(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(stage, "_launch", lambda *arguments: pytest.fail("launched again"))
    run_stage("hello", lambda params, run: None, parallel=True)


HUNGRY = """
import resource
import numpy, psutil, torch
from sweettok.stage import run_stage


def body(params, run):
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
    (lambda: ALLOCATE)()


if __name__ == "__main__":
    run_stage("hello", body, tracked=False)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory are Linux's")
@pytest.mark.parametrize("allocate", ["torch.zeros(2**30)", "numpy.zeros(2**33)", "bytearray(2**32)"])
def test_want_of_memory_names_the_params_to_lower(project, allocate):
    (project / "stages" / "hello.py").write_text(HUNGRY.replace("ALLOCATE", allocate))
    declared = {"stages": {"hello": {"cmd": "-", "params": ["tokenizer", "train_joint"]}}}
    (project / "dvc.yaml").write_text(yaml.safe_dump(declared))
    paths = {"PYTHONPATH": os.pathsep.join([str(project), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-m", "stages.hello"], cwd=project, env=os.environ | paths, capture_output=True, text=True
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    line = done.stderr.splitlines()[-1]
    lower = "train_joint.optimiser.batch_size (4), machine.cells (2), tokenizer.width (24), "
    assert "hello: " in line and "memory" in line
    assert lower in line and line.endswith(" train_joint.optimiser.accumulate")


def test_other_errors_of_torch_keep_their_traceback(project, monkeypatch):
    monkeypatch.chdir(project)

    def body(params, run):
        import torch

        torch.zeros(2) + torch.zeros(3)

    with pytest.raises(RuntimeError, match="tensor"):
        run_stage("hello", body, tracked=False)


PATIENCE = 120  # seconds until a process that should be gone counts as left behind
# A stage that says when it runs, waits until it is told to end, and says so; and a DVC that starts it and waits, or goes.
PATIENT = """
import os, time
from pathlib import Path
from sweettok.stage import run_stage


def body(params, run):
    Path("running").write_text(str(os.getpid()))
    while not Path("end").exists():
        time.sleep(0.05)
    Path("ended").touch()


if __name__ == "__main__":
    run_stage("hello", body, tracked=False)
"""
DVC = """
import subprocess, sys
from pathlib import Path
stage = subprocess.Popen([sys.executable, "-m", "stages.hello"])
Path("started").write_text(str(stage.pid))
if sys.argv[1] == "stays":
    stage.wait()
"""


def run_patient(project, dvc, **environment):
    """Start the stage by a DVC that `stays` or `goes`; both are in a session of their own, as from a terminal."""
    (project / "stages" / "hello.py").write_text(PATIENT)
    known = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    return subprocess.Popen(
        [sys.executable, "-c", DVC, dvc], cwd=project, start_new_session=True, stderr=subprocess.DEVNULL,
        env=known | {"PYTHONPATH": os.pathsep.join([str(project), str(ROOT)])} | environment,
    )  # fmt: skip


def wait_until(condition):
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def gone(note):
    """Whether the process whose number is in the file has ended."""
    number = int(note.read_text())
    return not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE


def test_a_stage_ends_with_the_dvc_that_has_started_it(project):
    dvc = run_patient(project, "stays", DVC_STAGE="hello")
    assert wait_until((project / "running").exists)
    dvc.send_signal(signal.SIGKILL)
    dvc.wait()
    assert wait_until(lambda: gone(project / "started")) and not (project / "ended").exists()


def test_a_stage_whose_dvc_goes_before_it_begins_does_not_begin(project):
    assert run_patient(project, "goes", DVC_STAGE="hello").wait() == 0
    assert wait_until(lambda: gone(project / "started")) and not (project / "running").exists()


TRACKED = """
import time
from sweettok.stage import run_stage


def body(params, run):
    run.log_metrics({"loss": 1.0})
    print("running", flush=True)
    time.sleep(1000)


if __name__ == "__main__":
    run_stage("hello", body)
"""


def test_sigterm_closes_the_run_and_sends_its_metrics(project):
    """As `kill`, batch systems and containers end a stage."""
    (project / "stages" / "hello.py").write_text(TRACKED)
    paths = {"PYTHONPATH": os.pathsep.join([str(project), str(ROOT)])}
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.hello"], cwd=project, env=os.environ | paths, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"running\n"
    process.terminate()
    assert process.wait() == 143
    client = open_client(project)
    (found,) = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id], "tags.stage = 'hello'")
    assert found.info.status == "KILLED" and found.data.metrics["loss"] == 1.0


def test_a_stage_started_by_hand_outlives_what_has_started_it(project):
    assert run_patient(project, "goes").wait() == 0
    assert wait_until((project / "running").exists)
    (project / "end").touch()
    assert wait_until((project / "ended").exists)
