"""A parallel map whose results come in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Input = TypeVar("Input")
Output = TypeVar("Output")


def usable_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(function: Callable[[Input], Output], inputs: Iterable[Input], workers: int) -> Iterator[Output]:
    """function(input) of each input, in the inputs' order, computed by `workers` threads (decoders release the GIL).

    Inputs are taken lazily and at most 2 * workers results wait, so memory is bounded; the results do not depend on
    `workers`. An error of `function` is raised at its place; then, and where the caller stops early, no further input
    is computed.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Output]] = deque()
        try:
            for item in inputs:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
