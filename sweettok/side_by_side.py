"""Trainings of small models side by side: two on a core each finish sooner than one after the other on both."""

import functools
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import torch

from sweettok.allocator import keep_freed_blocks
from sweettok.errors import InputError
from sweettok.params import Machine
from sweettok.parent_process import end_with_parent


def side_by_side(compute: Callable[[Any], Any], items: Sequence[Any], machine: Machine) -> list[Any]:
    """compute(item) of all items, in their order, `machine.cells` at a time, each with an equal share of the cores; the
    last few, where they are fewer, share all of them. With `machine.engine: ray` each is a task of a Ray cluster, on as
    many threads as here: the same numbers, as many at a time as the cluster holds.

    compute, the items and what comes back go from process to process, so they must be picklable. One at a time happens
    here, and so do all in processes that train together. The first exception ends the others and is raised, Ctrl-C too;
    processes do not outlive this one. Raises InputError where the system has killed one.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:  # as launchers tell the processes that they start
        return [compute(item) for item in items]
    rest = len(items) % machine.cells if len(items) > machine.cells else 0
    groups = [(items[: len(items) - rest], machine.cells), (items[len(items) - rest :], rest)]
    if machine.engine == "local":
        return [result for group, processes in groups for result in _in_processes(compute, group, processes)]
    from sweettok.ray_tasks import on_ray

    threads = [_threads(group, processes) for group, processes in groups for _ in group]
    return on_ray(compute, items, threads, machine.cells)


def _threads(items: Sequence[Any], processes: int) -> int:
    """How many threads each of the items has, `processes` at a time. Alone it has those of this process."""
    alone = min(processes, len(items)) <= 1
    return torch.get_num_threads() if alone else max(1, (os.cpu_count() or 1) // processes)


def _in_processes(compute: Callable[[Any], Any], items: Sequence[Any], processes: int) -> list[Any]:
    if min(processes, len(items)) <= 1:
        return [compute(item) for item in items]
    context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks without their threads
    begin = functools.partial(_begin, _threads(items, processes))
    with ProcessPoolExecutor(min(processes, len(items)), context, begin) as pool:
        started = [pool.submit(compute, item) for item in items]
        try:
            return [future.result() for future in started]
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            if isinstance(error, BrokenProcessPool):
                raise InputError(
                    f"one of {processes} processes was killed, maybe for want of memory; lower machine.cells in params.yaml"
                ) from error
            raise


def _begin(threads: int) -> None:
    compute_on(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process ends the others
    end_with_parent()


def compute_on(threads: int) -> None:
    """Set up this process to train a small model on so many threads of torch and of numpy's BLAS."""
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    threadpool_limits(threads)  # which torch's setting does not reach
    keep_freed_blocks()
