"""Runs in MLflow: one parent run a reproduction, one child run a stage.

The store (mlflow_store.py) lies under the project's root, the current folder. Tracking never costs a training: whatever
MLflow raises is reported once, and from then on the run's metrics go to `outputs/unsent_metrics/<stage>.jsonl`
(unsent.py), which the next run that reaches MLflow sends.
"""

import hashlib
import json
import math
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.energy import EnergyMeter
from sweettok.errors import InputError, first_line
from sweettok.mlflow_store import (
    experiment_of,
    has_store,
    mlflow_name,
    open_client,
    store_folder,
    store_lock,
    unreadable_store,
)
from sweettok.params import Params, load_params
from sweettok.params.whole import UNWATCHED
from sweettok.provenance import code_and_machine, has_gone, process_key, this_process
from sweettok.unsent import FOLDER, keep, send, unsent_file

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

METRICS_A_BATCH, PARAMS_A_BATCH = 1000, 100  # MLflow's limits for one log_batch
SECONDS_A_FLUSH = 30  # curves of a running stage are at most this old in the UI
VALUE_LENGTH = 500  # of a parameter or tag
ENERGY = "energy_joules"  # metric of a run: of the whole machine, where it can be read
PROCESS = "sweettok.process"  # tag of a run: who works at it, as `this_process` says


def reproduction_key() -> str:
    """Identity of the reproduction this process belongs to.

    `dvc repro` runs every stage in a process of its own, so the nearest `dvc repro` or `dvc exp` among the ancestors
    is what the stages have in common. Without one (a stage started by hand) the process stands for itself.
    The environment variable SWEETTOK_REPRODUCTION overrides both.
    """
    if override := os.environ.get("SWEETTOK_REPRODUCTION"):
        return mlflow_name(override)
    import psutil

    this = psutil.Process()
    for process in this.parents():
        try:
            words = process.cmdline()
        except psutil.Error:  # ended meanwhile, or another user's
            continue
        if any(Path(word).name == "dvc" for word in words) and {"repro", "exp"} & set(words):
            return process_key(process)
    return process_key(this)


class Run:
    """A stage's run. Made by `tracked_run`; `identity` is MLflow's run id, None where MLflow could not be reached."""

    def __init__(self, stage: str, name: str, root: Path):
        self.stage, self.name, self.root = stage, name, root
        self.identity: str | None = None
        self._parent: str | None = None
        self._client: MlflowClient | None = None
        self._tags: dict[str, str] = {}
        self._buffer: list[dict[str, Any]] = []
        self._meter = EnergyMeter()
        self._flushed_at = time.monotonic()
        self._left_out = False

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Keep {name: value} for the next batch; sent every 1,000 values, every 30 seconds, and at the run's end.

        Names become those of `mlflow_name`. Values that are not finite are left out: MLflow would keep others. The first is told.
        """
        now = int(time.time() * 1000)
        for name, value in metrics.items():
            line = {"key": mlflow_name(name), "value": float(value), "timestamp": now, "step": int(step)}
            if math.isfinite(value):
                self._buffer.append(line)
            elif not self._left_out:
                warnings.warn(
                    f"{self.name}: {name} is {value} at step {step}; MLflow gets finite values only", stacklevel=2
                )
                self._left_out = True
        if len(self._buffer) >= METRICS_A_BATCH or time.monotonic() - self._flushed_at > SECONDS_A_FLUSH:
            self.flush()

    def flush(self) -> None:
        """Send what `log_metrics` has kept."""
        while self._buffer:
            batch, self._buffer = self._buffer[:METRICS_A_BATCH], self._buffer[METRICS_A_BATCH:]
            if not self._try(partial(self._send, batch)):
                self._keep(batch)
        self._flushed_at = time.monotonic()

    def _send(self, batch: list[dict[str, Any]], client: "MlflowClient") -> None:
        client.log_batch(self.identity, metrics=_metrics(batch))

    def tag(self, tags: Mapping[str, Any]) -> None:
        """Set further tags of the run, cut at 500 characters."""
        values = {mlflow_name(key): str(value)[:VALUE_LENGTH] for key, value in tags.items()}
        self._tags |= values  # a run that MLflow does not know yet is sent with them
        self._try(lambda client: [client.set_tag(self.identity, key, value) for key, value in values.items()])

    def log_artifact(self, path: str | Path, folder: str | None = None) -> None:
        """Copy a file or folder into the run's artifacts."""
        path = Path(path)
        if path.is_dir():
            self._try(lambda client: client.log_artifacts(self.identity, str(path), folder or path.name))
        else:
            self._try(lambda client: client.log_artifact(self.identity, str(path), folder))

    def log_text(self, text: str, name: str) -> None:
        """Save text among the run's artifacts as `name`."""
        self._try(lambda client: client.log_text(self.identity, text, name))

    def log_figure(self, figure: "Figure", name: str) -> None:
        """Save a matplotlib figure among the run's artifacts as `name` (the suffix gives the format)."""
        self._try(lambda client: client.log_figure(self.identity, figure, name))

    def _try(self, call: "Callable[[MlflowClient], Any]") -> bool:
        """Whether `call` succeeded. The first failure is reported and the last one tried: a locked store costs 20 s."""
        if self._client is None:
            return False
        try:
            call(self._client)
        except Exception as error:  # MLflow lets through its own, SQLAlchemy's and the operating system's
            self._give_up(error)
        return self._client is not None

    def _give_up(self, error: Exception) -> None:
        self._client = None
        kept = (
            f"its metrics are kept in {unsent_file(self.root, self.stage)} and sent by the next run that reaches MLflow"
        )
        warnings.warn(f"MLflow failed ({first_line(error)}); {self.name} goes on, {kept}", stacklevel=3)

    def _keep(self, lines: list[dict[str, Any]]) -> None:
        try:
            keep(self.root, self.stage, [{"run": self.name, "run_id": self.identity, **line} for line in lines])
        except OSError as error:
            file, reason = unsent_file(self.root, self.stage), error.strerror or error
            warnings.warn(f"cannot write {file}: {reason}; {len(lines)} metric values lost", stacklevel=3)

    def _start(self, params: Params, tags: Mapping[str, Any]) -> None:
        """Find or create the experiment and the parent, create this run, log its parameters."""
        flat = params.flat()
        profile = _profile(flat, self.root)
        described = {"profile": profile, "params_hash": params_hash(params), **code_and_machine(self.root)}
        tags = {**described, **tags, "stage": self.stage}
        self._tags = {key: str(value)[:VALUE_LENGTH] for key, value in tags.items()}
        try:
            with store_lock(self.root):
                client = open_client(self.root)
                experiment = experiment_of(client, self.root)
                parent = _parent_run(client, experiment, profile)
            tags = self._tags | {"mlflow.parentRunId": parent, PROCESS: this_process()}
            created = client.create_run(experiment, run_name=self.name, tags=tags)
            self.identity, self._parent, self._client = created.info.run_id, parent, client
            _log_params(client, self.identity, flat)
        except Exception as error:  # as in _try
            self._give_up(error)
        else:
            self._tidy(client, experiment, parent)

    def _tidy(self, client: "MlflowClient", experiment: str, parent: str) -> None:
        """Send and end what earlier runs have left; where MLflow refuses it, this run goes on all the same."""
        try:
            _end_those_killed(client, experiment)
            send(self.root, partial(_send_kept, client, experiment, parent))
        except Exception as error:  # as in _try
            left = f"what earlier runs have left in {self.root / FOLDER} stays there"
            warnings.warn(f"MLflow failed ({first_line(error)}); {left}", stacklevel=4)

    def _end(self, status: str) -> None:
        """Send the rest and close the run. The parent stays FAILED once any of its stages failed."""
        if (joules := self._meter.joules()) is not None:
            self.log_metrics({ENERGY: joules})
        self.flush()
        if self._client is None:
            self._keep([{"status": status, "tags": self._tags}])
        self._try(lambda client: client.set_terminated(self.identity, status))
        self._try(lambda client: _close_parent(client, self._parent, status))


@contextmanager
def tracked_run(
    stage: str, params: Params, tags: Mapping[str, Any] | None = None, root: str | Path = "."
) -> Iterator[Run]:
    """The MLflow run of a stage, as a child of its reproduction's run.

    stage: name in dvc.yaml; `tags`: e.g. variant and seed, which also go into the run's name ("ablation full seed 0").
    An exception in the block marks the run FAILED (an interruption KILLED) and propagates.
    """
    tags = dict(tags or {})
    run = Run(stage, run_name(stage, tags), Path(root).resolve())
    run._start(params, tags)
    status = "KILLED"
    try:
        yield run
        status = "FINISHED"
    except Exception:
        status = "FAILED"
        raise
    finally:
        run._end(status)


def run_name(stage: str, tags: Mapping[str, Any]) -> str:
    """What a run is called in the UI, e.g. "ablation full seed 0"."""
    named = [str(tags[key]) for key in ("variant", "tokenizer") if key in tags]
    return " ".join([stage, *named, *([f"seed {tags['seed']}"] if "seed" in tags else [])])


def params_hash(params: Params) -> str:
    """The first 16 hex digits of the SHA-256 of all loaded parameters that say what is computed, not how fast."""
    watched = {name: value for name, value in params.flat().items() if name.partition(".")[0] not in UNWATCHED}
    return hashlib.sha256(json.dumps(watched, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended well. seconds: since 1970 at its start and its end; metrics: the last value of each."""

    identity: str
    name: str
    start: float
    end: float
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def finished_runs(root: str | Path = ".", stage: str | None = None) -> Iterator[FinishedRun]:
    """Runs of one stage, or of all, the newest first.

    Raises InputError: no store, one that MLflow cannot read, or whose experiment was deleted.
    """
    root = Path(root).resolve()
    if not has_store(root):
        raise InputError(f"{store_folder(root)} holds no runs; run `make repro` first")
    try:
        client = open_client(root)
        experiment = experiment_of(client, root)
    except InputError:
        raise
    except Exception as error:  # as in Run._try
        raise unreadable_store(root, error) from error
    wanted = "attributes.status = 'FINISHED'" + (f" and tags.stage = '{stage}'" if stage else "")
    token: str | None = ""
    while token is not None:
        page = client.search_runs(
            [experiment], wanted, order_by=["attributes.start_time DESC"], page_token=token or None
        )
        for found in page:
            info, data = found.info, found.data
            times = (info.start_time / 1000, info.end_time / 1000)
            yield FinishedRun(info.run_id, info.run_name, *times, data.tags, data.metrics)
        token = page.token or None


def comparison(stage: str = "ablation", root: str | Path = ".") -> "pandas.DataFrame":
    """The newest finished run of each (profile, variant, seed), one row each, metrics as columns.

    Runs are found by their tags, so no run id needs to be known. Columns: profile, variant, seed, run, run_id, then
    every metric that any of the runs logged (its last value). Raises InputError where there is no store.
    """
    import pandas

    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for run in finished_runs(root, stage):
        key = tuple(run.tags.get(name, "") for name in ("profile", "variant", "seed"))
        row = dict(zip(("profile", "variant", "seed"), key, strict=True))
        rows.setdefault(key, {**row, "run": run.name, "run_id": run.identity, **run.metrics})
    leading = ["profile", "variant", "seed", "run", "run_id"]
    metrics = sorted({name for row in rows.values() for name in row} - set(leading))
    return pandas.DataFrame([rows[key] for key in sorted(rows)], columns=[*leading, *metrics])


def artifact_of(identity: str, name: str, root: str | Path = ".") -> Path | None:
    """A run's artifact as a local file; None where the run has none of that name."""
    client = open_client(Path(root).resolve())
    if name not in {item.path for item in client.list_artifacts(identity)}:
        return None
    return Path(client.download_artifacts(identity, name))


def _profile(flat: Mapping[str, Any], root: Path) -> str:
    """The profile's name; a stage that does not depend on it has not loaded it, so it is looked up for the tag."""
    if "profile" in flat:
        return str(flat["profile"])
    try:
        return str(load_params(root / "params.yaml").profile)
    except InputError:
        return "unnamed"


def _parent_run(client: "MlflowClient", experiment: str, profile: str) -> str:
    key = reproduction_key()
    found = client.search_runs([experiment], f"tags.`sweettok.reproduction` = '{key}'", max_results=1)
    if found:
        return found[0].info.run_id
    name = f"reproduction {profile} {time.strftime('%Y-%m-%d %H:%M')}"
    tags = {"sweettok.reproduction": key, "stage": "reproduction", "profile": profile}
    return client.create_run(experiment, run_name=name, tags=tags).info.run_id


def _close_parent(client: "MlflowClient", parent: str | None, status: str) -> None:
    """Nobody tells when a reproduction ends, so each stage closes the parent; a failure stays."""
    failed = client.get_run(parent).info.status in ("FAILED", "KILLED")
    client.set_terminated(parent, "FAILED" if failed else status)


def _end_those_killed(client: "MlflowClient", experiment: str) -> None:
    """End the runs whose process has gone without a word: killed, out of memory, a power cut."""
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        tags = run.data.tags
        if PROCESS in tags and has_gone(tags[PROCESS]):
            client.set_terminated(run.info.run_id, "KILLED")
            _close_parent(client, tags["mlflow.parentRunId"], "KILLED")


def _send_kept(client: "MlflowClient", experiment: str, parent: str, stage: str, lines: list[dict[str, Any]]) -> None:
    """The kept lines of one run -> MLflow, into the run itself where it knows it, else into a new one of its name."""
    name, identity = lines[0]["run"], lines[0]["run_id"]
    end: dict[str, Any] = next(
        (line for line in lines if "status" in line), {"status": "KILLED", "tags": {"stage": stage}}
    )
    if not client.search_runs([experiment], f"attributes.run_id = '{identity}'", max_results=1):
        tags = end["tags"] | {"mlflow.parentRunId": parent}
        identity = client.create_run(experiment, run_name=name, tags=tags).info.run_id
    values = [line for line in lines if "key" in line]
    for start in range(0, len(values), METRICS_A_BATCH):
        client.log_batch(identity, metrics=_metrics(values[start : start + METRICS_A_BATCH]))
    client.set_terminated(identity, end["status"])


def _metrics(batch: list[dict[str, Any]]) -> list[Any]:
    from mlflow.entities import Metric

    return [
        Metric(mlflow_name(metric["key"]), *(metric[name] for name in ("value", "timestamp", "step")))
        for metric in batch
    ]


def _log_params(client: "MlflowClient", run: str, flat: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    values = [Param(mlflow_name(name), str(value)[:VALUE_LENGTH]) for name, value in flat.items()]
    for start in range(0, len(values), PARAMS_A_BATCH):
        client.log_batch(run, params=values[start : start + PARAMS_A_BATCH])
