"""Trainings of small models side by side: two on a core each finish sooner than one after the other on both."""

import functools
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from sweettok.allocator import keep_freed_blocks
from sweettok.errors import InputError
from sweettok.parent_process import end_with_parent


def side_by_side(compute: Callable[[Any], Any], items: Sequence[Any], processes: int) -> list[Any]:
    """compute(item) of all items, in their order, `processes` at a time, each with an equal share of the cores; the last
    few, where they are fewer, share all of them.

    compute, the items and what comes back go from process to process, so they must be picklable. With one process, or
    one item, all of it happens here. The first exception ends the others and is raised, Ctrl-C too; processes do not
    outlive this one. Raises InputError where the system has killed one.
    """
    if min(processes, len(items)) <= 1:
        return [compute(item) for item in items]
    if len(items) > processes and (rest := len(items) % processes):
        first, last = items[:-rest], items[-rest:]
        return side_by_side(compute, first, processes) + side_by_side(compute, last, rest)
    threads = max(1, (os.cpu_count() or 1) // processes)
    context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks without their threads
    with ProcessPoolExecutor(min(processes, len(items)), context, functools.partial(_begin, threads)) as pool:
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
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    threadpool_limits(threads)  # numpy's BLAS, which torch's setting does not reach
    keep_freed_blocks()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process ends the others
    end_with_parent()
