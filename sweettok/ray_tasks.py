"""Trainings of small models as tasks of a Ray cluster, where one machine is too small (`machine.engine: ray`)."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sweettok.errors import InputError, first_line, on_one_line
from sweettok.extras import naming_missing_packages
from sweettok.side_by_side import compute_on
from sweettok.tracking import reproduction_key

PATIENCE = 20  # seconds until a host counts as one that does not answer


def on_ray(compute: Callable[[Any], Any], items: Sequence[Any], threads: Sequence[int], cells: int) -> list[Any]:
    """compute(item) of all items, in their order, each a task on so many threads, in this process's current folder.

    A task takes as many of a host's cores, or, where the cluster has GPUs, one part of a GPU in `cells`. The cluster is
    the one at RAY_ADDRESS, else this machine for as long as the call takes. The first exception ends the other tasks and
    is raised, Ctrl-C too. Raises InputError where ray is not installed, no cluster answers, a host does not have the
    folder, or a task's process has been killed.
    """
    with naming_missing_packages():
        import ray
    with _cluster() as most:
        task = ray.remote(max_retries=0)(_task)  # `dvc repro` goes on from the checkpoints of one that was lost
        place = os.getcwd(), sys.path, reproduction_key()
        started = []
        for item, count in zip(items, threads, strict=True):
            share = {"num_gpus": 1 / cells} if most["GPU"] else {"num_cpus": min(count, most["CPU"])}
            pickled = ray.cloudpickle.dumps(partial(compute, item))
            started.append(task.options(**share).remote(pickled, count, *place))
        try:
            return ray.get(started)
        except ray.exceptions.RayTaskError as error:  # its own message is the traceback in the task
            raise error.cause from error
        except ray.exceptions.RayError as error:
            raise InputError(
                f"Ray has lost a task ({first_line(error)}), maybe for want of memory; lower machine.cells in params.yaml"
            ) from error


@contextmanager
def _cluster() -> Iterator[dict[str, float]]:
    """In the block this process is connected -> the CPUs and the GPUs of the host that has most of them."""
    import ray

    address, on_sigterm = os.environ.get("RAY_ADDRESS") or "local", signal.getsignal(signal.SIGTERM)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to Ray's makers
    try:
        if ":" in address:  # Ray itself would knock for ten minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, port), PATIENCE).close()
        ray.init(address, include_dashboard=False, logging_level="error")
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"cannot join Ray at {address} (RAY_ADDRESS): {on_one_line(error, 300)}; is `ray start` running there?"
        ) from error
    signal.signal(signal.SIGTERM, on_sigterm)  # Ray has put its own in place of the stage's
    try:
        hosts = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        yield {kind: max(host.get(kind, 0) for host in hosts) for kind in ("CPU", "GPU")}
    finally:
        ray.shutdown()  # ends the tasks that still run


def _task(pickled: bytes, threads: int, folder: str, path: list[str], reproduction: str) -> Any:
    """What a worker does: takes this process's place, as one of multiprocessing's would, and computes."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise InputError(
            f"{socket.gethostname()} of the Ray cluster cannot enter {folder} ({error.strerror}); put the project on a "
            "disk that all hosts share, under the same name"
        ) from error
    sys.path += [entry for entry in path if entry not in sys.path]
    os.environ["SWEETTOK_REPRODUCTION"] = reproduction
    compute_on(threads)
    import ray

    return ray.cloudpickle.loads(pickled)()
