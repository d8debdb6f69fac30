"""What a reader needs to make a run again: data, sizes, steps, code, parameters, checksums."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from sweettok.reporting.collect import Results
from sweettok.reporting.grid import Cell, Column, Grid
from sweettok.reporting.origin import Origin
from sweettok.reporting.stage_records import StageRecord
from sweettok.reporting.tables import setting

DIGITS = 16  # of a checksum that are shown
COMMIT_DIGITS = 12
UNREADABLE = "not readable here"
MACHINE = {
    "git_commit": "commit",
    "machine.cpu": "processor",
    "machine.cores": "cores",
    "machine.torch": "torch",
    "machine.python": "Python",
}


@dataclass(frozen=True)
class Facts:
    """Facts of one kind under a title."""

    title: str
    grid: Grid


def run_facts(results: Results, origin: Origin) -> tuple[Facts, ...]:
    """The run in short; then, where `origin` knows them, all parameters and the checksums of code and data."""
    found = [Facts("The run in short", _pairs(("fact", "value"), _in_short(results, origin)))]
    if origin.stages:
        found.append(Facts("Stages: time, energy, code and machine (MLflow)", _stages(origin.stages)))
    if origin.parameters:
        found.append(Facts("Parameters", _pairs(("parameter", "value"), sorted(origin.parameters.items()))))
    if origin.checksums:
        columns = (Column("path"), Column("MD5"), Column("stages that read or wrote it"))
        lines = tuple(
            (Cell(path), Cell(md5), Cell(", ".join(stages))) for (path, md5), stages in origin.checksums.items()
        )
        found.append(Facts("Checksums of code and data (dvc.lock)", Grid(columns, lines)))
    return tuple(found)


def _pairs(names: tuple[str, str], pairs: Iterable[tuple[str, str]]) -> Grid:
    first, second = names
    return Grid((Column(first), Column(second)), tuple((Cell(name), Cell(value)) for name, value in pairs))


def _stages(records: Sequence[StageRecord]) -> Grid:
    columns = (
        Column("stage"), Column("runs", numeric=True), Column("seconds", numeric=True), Column("energy (kJ)", numeric=True),
        *map(Column, ("commit", "hash of its parameters", "processor", "cores", "torch")),
    )  # fmt: skip
    lines = []
    for record in records:
        commit = record.tags.get("git_commit", "")[:COMMIT_DIGITS]
        changed = " with changes" if record.tags.get("git_dirty") == "true" else ""
        energy = Cell(UNREADABLE) if record.joules is None else Cell(f"{record.joules / 1e3:.2f}", record.joules / 1e3)
        tags = [record.tags.get(tag, "") for tag in ("params_hash", "machine.cpu", "machine.cores", "machine.torch")]
        measured = [Cell(str(record.runs), record.runs), Cell(f"{record.seconds:.0f}", record.seconds), energy]
        lines.append((Cell(record.name), *measured, Cell(f"{commit}{changed}"), *map(Cell, tags)))
    return Grid(columns, tuple(lines))


def _cost(records: Sequence[StageRecord]) -> list[tuple[str, str]]:
    """Time and energy of all stages together."""
    if not records:
        return []
    energy = [record.joules for record in records]
    read = [joules for joules in energy if joules is not None]
    spent = f"{sum(read) / 1e3:.1f} kJ, of the whole machine" if len(read) == len(energy) else UNREADABLE
    minutes = f"{sum(record.seconds for record in records) / 60:.1f} minutes"
    return [("time of the stages, this one left out", minutes), ("energy of the processors", spent)]


def _in_short(results: Results, origin: Origin) -> list[tuple[str, str]]:
    facts = [("setting", setting(results))]
    if results.data:
        facts.append(("seed of the data", str(results.data.get("seed", "not recorded"))))
        facts += [
            (f"SHA-256 of the {split} clips", entry["clips_sha256"][:DIGITS])
            for split, entry in results.data["splits"].items()
            if "clips_sha256" in entry
        ]
    if results.codebook:
        words = f"{sum(results.codebook.sizes.values()):,} words of {results.codebook.captions:,} captions"
        facts.append(("codebook", f"{words}, word vectors of {results.codebook.provider}"))
    facts += _model(results)
    if results.histories:
        steps = ", ".join(
            f"{name} {int(max(history['step'], default=0)):,}" for name, history in results.histories.items()
        )
        facts.append(("steps of the trainings", steps))
    facts += _ablation(results)
    facts += _cost(origin.stages)
    if origin.parameters:
        digest = sha256(json.dumps(dict(origin.parameters), sort_keys=True).encode()).hexdigest()
        facts.append(("SHA-256 of the parameters below", digest[:DIGITS]))
    facts += [
        (f"report drawn with {name}", origin.machine[key]) for key, name in MACHINE.items() if key in origin.machine
    ]
    return facts


def _model(results: Results) -> list[tuple[str, str]]:
    facts = []
    model = (results.reconstruction or {}).get("methods", {}).get("sweettok")
    if model:
        facts.append(("a clip takes", f"{model['tokens']:,} tokens, {model['bits']:,.1f} bits"))
        judge = model["metrics"].get("perceptual/judge", {}).get("protocol", {}).get("weights_sha256")
        if judge:
            facts.append(("SHA-256 of the judge's weights", judge[:DIGITS]))
    if results.generation:
        if "parameters" in results.generation:
            facts.append(("parameters of the prior", f"{results.generation['parameters']:,}"))
        sampling = ", ".join(f"{name} {value}" for name, value in results.generation.get("sampling", {}).items())
        facts.append(("sampling", sampling))
    return facts


def _ablation(results: Results) -> list[tuple[str, str]]:
    if not results.cells:
        return []
    steps = sorted({cell.summary["steps"] for cell in results.cells})
    together = f"{len(results.cells)} cells of {' or '.join(f'{number:,}' for number in steps)} steps"
    return [("ablation", f"{together}; their times are in MLflow: sweettok compare --metric seconds")]
