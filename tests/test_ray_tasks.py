"""Cells as tasks of Ray: the same results and threads as processes of this machine, and what can be amiss in one line."""

import os
import sys

import pytest
from side_by_side_jobs import square

from sweettok import extras, ray_tasks
from sweettok.errors import InputError
from sweettok.params import Machine
from sweettok.side_by_side import side_by_side


def test_results_and_threads_are_those_of_processes(ray_cluster, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    local, on_ray = (side_by_side(square, [3, 1, 2], Machine(cells=2, engine=engine)) for engine in ("local", "ray"))
    assert [(result, threads) for result, _, threads in on_ray] == [(result, threads) for result, _, threads in local]
    assert on_ray[0][2] == 3 and os.getpid() not in {process for _, process, _ in on_ray}


def test_a_data_parallel_training_of_cells_is_refused():
    with pytest.raises(ValueError, match="processes to 1"):
        Machine(processes=2, engine="ray")


def test_ray_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(extras.metadata, "requires", lambda name: ["ray; extra == 'ray'"])
    with pytest.raises(InputError, match=r"needs ray, .*pip install '\.\[ray\]'"):
        side_by_side(square, [1], Machine(engine="ray"))


def test_a_cluster_that_does_not_answer_is_named(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1 .*ray start"):
        side_by_side(square, [1], Machine(engine="ray"))


def test_a_host_without_the_project_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cannot enter .*absent .*all hosts share"):
        ray_tasks._task(b"", 1, str(tmp_path / "absent"), [], "")
