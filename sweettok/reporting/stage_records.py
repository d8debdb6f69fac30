"""What MLflow knows of the stages that made a report's numbers: how long each took, with which code, on which machine."""

import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sweettok.errors import first_line
from sweettok.mlflow_store import has_store
from sweettok.tracking import ENERGY, FinishedRun, finished_runs

NOT_STAGES = ("report", "reproduction", "")


@dataclass(frozen=True)
class StageRecord:
    """A stage of the pipeline, or all cells of an ablation variant.

    name     "train_joint", "ablation coupled"
    runs     how many runs it took: one, or one a cell
    seconds  in which at least one of them ran
    joules   of the whole machine, None where it could not be read; cells side by side each count all of it
    tags     of the newest run: git_commit, git_dirty, params_hash, machine.cpu, ...
    """

    name: str
    runs: int
    seconds: float
    joules: float | None
    tags: Mapping[str, str]


def stage_records(
    root: str | Path, profile: str, cells: Collection[str] | None = None, order: Iterable[str] = ()
) -> tuple[StageRecord, ...]:
    """The newest finished run of each stage of a profile, in the given order of stages, then by time.

    cells: as in `collect`, VARIANT-SEED. Empty where there are no runs; a store that cannot be read costs a warning.
    """
    if not has_store(root):
        return ()
    newest: dict[tuple[str, ...], FinishedRun] = {}
    try:
        for run in finished_runs(root):
            stage, variant, seed = (run.tags.get(name, "") for name in ("stage", "variant", "seed"))
            stranger = stage == "ablation" and cells is not None and f"{variant}-{seed}" not in cells
            if run.tags.get("profile") == profile and stage not in NOT_STAGES and not stranger:
                newest.setdefault((stage, variant, seed), run)
    except Exception as error:  # MLflow lets through its own, SQLAlchemy's and the operating system's
        warnings.warn(f"MLflow does not tell the stages' times ({first_line(error)})", stacklevel=2)
        return ()
    grouped: dict[str, list[FinishedRun]] = {}
    for (stage, variant, _), run in newest.items():
        grouped.setdefault(f"{stage} {variant}".strip(), []).append(run)
    places = {name: place for place, name in enumerate(order)}
    records = [_record(name, runs) for name, runs in grouped.items()]
    began = {name: min(run.start for run in runs) for name, runs in grouped.items()}
    return tuple(
        sorted(records, key=lambda record: (places.get(record.name.split()[0], len(places)), began[record.name]))
    )


def _record(name: str, runs: list[FinishedRun]) -> StageRecord:
    energy = [run.metrics[ENERGY] for run in runs if ENERGY in run.metrics]
    joules = sum(energy) if len(energy) == len(runs) else None
    last = max(runs, key=lambda run: run.start)
    return StageRecord(name, len(runs), _covered((run.start, run.end) for run in runs), joules, last.tags)


def _covered(spans: Iterable[tuple[float, float]]) -> float:
    """Length of the union of time spans: cells run side by side."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
