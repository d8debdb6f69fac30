"""Where a run comes from: its parameters and the checksums of code and data, as `dvc.lock` has them, and the machine."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sweettok.errors import InputError
from sweettok.provenance import code_and_machine
from sweettok.reporting.stage_records import StageRecord, stage_records

CELLS, REPORT = "ablation@", "report"


@dataclass(frozen=True)
class Origin:
    """All empty where nothing is known.

    machine     name -> what drew the report: git_commit, machine.cpu, ... (see provenance.code_and_machine)
    parameters  dotted name -> value, of all stages that ran before the report
    stages      how long each took, with which code, on which machine
    checksums   (path, md5) -> the stages that read or wrote the path in that state; all cells of the ablation are one
    """

    machine: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    stages: tuple[StageRecord, ...] = ()


def origin_of(root: str | Path, cells: Collection[str] | None = None, profile: str | None = None) -> Origin:
    """The origin of the run in the project at `root`. cells: as in `collect`; those of other profiles stay out.

    profile: of the runs in MLflow that tell the stages' times; None: these stay out.

    DVC writes dvc.lock after every stage, so it is up to date when the report is drawn. Raises InputError where it is
    damaged; without it (stages started by hand) parameters and checksums are empty.
    """
    root, lock = Path(root), Path(root) / "dvc.lock"
    parameters: dict[str, str] = {}
    names: dict[str, None] = {}
    checksums: dict[tuple[str, str], dict[str, None]] = {}
    try:
        for name, stage in _stages(lock, cells):
            names[name] = None
            for section in stage.get("params", {}).values():
                parameters |= dict(_flat(section))
            for entry in [*stage.get("deps", ()), *stage.get("outs", ())]:
                checksums.setdefault((entry["path"], entry["md5"]), {})[name] = None
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{lock} is damaged; restore it with `git checkout {lock.name}`") from error
    machine = code_and_machine(root)
    machine.pop("git_dirty")  # DVC removes the old report before it calls for a new one: always "true"
    sums = {key: tuple(stages) for key, stages in sorted(checksums.items())}
    return Origin(machine, parameters, sums, stage_records(root, profile, cells, names) if profile else ())


def _stages(lock: Path, cells: Collection[str] | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, entry) of each stage before the report; every wanted ablation variant under the name "ablation"."""
    if not lock.is_file():
        return
    variants = None if cells is None else {cell.rpartition("-")[0] for cell in cells}
    for name, stage in yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"].items():
        if name.startswith(CELLS):
            if variants is None or name.removeprefix(CELLS) in variants:
                yield "ablation", stage
        elif name != REPORT:
            yield name.partition("@")[0], stage


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as (dotted name, text)."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", "none" if value is None else str(value)
