"""What every DVC stage does around its one call into the package: memory, params, log, processes, MLflow, clear errors."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, redirect_stdout
from typing import Any

from sweettok.allocator import keep_freed_blocks
from sweettok.errors import InputError, naming_refused_files, out_of_memory, print_any_name
from sweettok.params import Params, stage_params
from sweettok.tracking import tracked_run

LOOK_FOR_DVC = 0.5  # seconds between two looks whether DVC is still there
HUNGRY = ("batch_size", "cells", "workers", "width", "frames", "size")  # params that decide how much memory is needed

KEPT = "earlier stages are kept, and of a training all up to its last checkpoint; go on with `dvc repro`"


def run_stage(
    name: str,
    body: Callable[[Params, Any], None],
    parallel: bool = False,
    tracked: bool = True,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Run `body(params, run)` as stage `name`: params hold the sections dvc.yaml declares, run is its MLflow run.

    With `parallel` the body runs in `machine.processes` processes, or in those that a launcher (`accelerate launch`,
    `torchrun`) has started; then the first alone has a run, others get None, and only it may write (`first_process`).
    Without, the first process does everything. A body that is not `tracked` gets None and opens runs of its own.
    `tags`: of the run, such as which tokenizer.

    An InputError ends the process with status 1 and one line, and so does want of memory, with the params to lower;
    Ctrl-C with status 130, SIGTERM with 143. Anything else is a bug and keeps its traceback.
    """
    first = first_process()
    logging.basicConfig(level=logging.INFO if first else logging.WARNING, format="%(message)s", stream=sys.stderr)
    for chatty in ("mlflow", "alembic", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    print_any_name()
    keep_freed_blocks()
    _end_with_dvc(name)
    _unwind_on_sigterm()
    try:
        params = stage_params(name)
        if parallel and params.machine.processes > 1 and "RANK" not in os.environ:
            _launch(name, params.machine.processes)
        elif first:
            with tracked_run(name, params, tags) if tracked else nullcontext() as run, naming_refused_files():
                body(params, run)
        elif parallel:
            with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
                body(params, None)
    except InputError as error:
        sys.exit(f"error in stage {name}: {error}")
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        sys.exit(f"error in stage {name}: out of memory; in params.yaml lower {_what_to_lower(params)}")
    except KeyboardInterrupt:
        if first:
            print(f"interrupted in stage {name}: {KEPT}", file=sys.stderr)
        sys.exit(130)
    finally:
        _leave_the_others()


def _leave_the_others() -> None:
    """Close the connections to the other processes: threads that still serve them at exit would end this one by a signal."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _what_to_lower(params: Params) -> str:
    """The stage's params that memory depends on, batches first, with their values."""
    flat = params.flat()
    found = [
        f"{name} ({value})"
        for ending in HUNGRY
        for name, value in flat.items()
        if name.rpartition(".")[2] == ending and isinstance(value, int) and value > 1
    ]
    batches = [name for name in flat if name.endswith(".accumulate")]
    raised = f"or raise {' or '.join(batches)}" if batches else ""
    return ", ".join([*found, raised] if raised else found) or "the amount of data"


def first_process() -> bool:
    """Whether this process writes outputs: the first of those that a launcher has started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def _end_with_dvc(name: str) -> None:
    """Where DVC has started this stage: end when DVC is gone.

    DVC killed alone leaves its stage at work, and the next `dvc repro` would run the same stage beside it.
    """
    if "DVC_STAGE" not in os.environ or "RANK" in os.environ or not hasattr(os, "getpgid"):
        return
    if _orphaned():
        sys.exit(f"error in stage {name}: the DVC that has started it is gone; run `dvc repro` again")
    threading.Thread(target=_wait_for_dvc_to_go, daemon=True).start()


def _unwind_on_sigterm() -> None:
    """End through the block of `tracked_run`, which sends what it has and closes the run. Launchers end their own workers."""
    if "RANK" not in os.environ:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def _wait_for_dvc_to_go() -> None:
    while not _orphaned():
        time.sleep(LOOK_FOR_DVC)
    os._exit(1)  # whatever the main thread is at: what is half-written stays under a temporary name


def _orphaned() -> bool:
    """Whether the parent is not of this process's group: DVC and its shell are, whoever adopts their orphans is not."""
    try:
        return os.getpgid(os.getppid()) != os.getpgrp()
    except ProcessLookupError:  # it has gone between the two calls
        return True


def _launch(name: str, processes: int) -> None:
    """Run this stage's script in `processes` processes of this machine; ends with status 1 where one of them fails."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=processes, rdzv_backend="c10d", rdzv_endpoint="localhost:0",
        run_id=name, max_restarts=0,
    )  # fmt: skip
    try:
        elastic_launch(config, sys.executable)("-m", f"stages.{name}", *sys.argv[1:])
    except ChildFailedError:  # the process itself has said why
        sys.exit(1)
