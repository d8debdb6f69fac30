"""What a reader needs to make a run again: data, sizes, steps, code, parameters, checksums."""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256

from sweettok.reporting.collect import Results
from sweettok.reporting.origin import Origin
from sweettok.reporting.stage_records import StageRecord
from sweettok.reporting.table import Content, Entry, Number, Row, Table

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


def run_facts(results: Results, origin: Origin) -> tuple[Table, ...]:
    """The run in short; then, where `origin` knows them, the stages, all parameters and the checksums of code and data."""
    checksums = tuple(
        Row(path, {"MD5": md5, "stages that read or wrote it": ", ".join(stages)})
        for (path, md5), stages in origin.checksums.items()
    )
    facts = [*_data(results), *_model(results), *_trainings(results), *_cost(origin.stages), *_source(origin)]
    tables = (
        Table("facts-1", "The run in short", _pairs(facts), head="fact"),
        Table("facts-2", "Stages: time, energy, code and machine (MLflow)", _stages(origin.stages), head="stage"),
        Table("facts-3", "Parameters", _pairs(sorted(origin.parameters.items())), head="parameter"),
        Table("facts-4", "Checksums of code and data (dvc.lock)", checksums, head="path"),
    )
    return tuple(table for table in tables if table.rows)


def _pairs(pairs: Iterable[tuple[str, str]]) -> tuple[Row, ...]:
    return tuple(Row(name, {"value": value}) for name, value in pairs)


def _stages(records: Sequence[StageRecord]) -> tuple[Row, ...]:
    rows = []
    for record in records:
        tags = record.tags
        commit = tags.get("git_commit", "")[:COMMIT_DIGITS]
        energy: Content = UNREADABLE
        if record.joules is not None:
            energy = Entry(f"{record.joules / 1e3:.2f}", record.joules / 1e3)
        ours: dict[str, Content] = {
            "runs": Number(record.runs),
            "seconds": Number(round(record.seconds)),
            "energy (kJ)": energy,
            "commit": f"{commit} with changes" if tags.get("git_dirty") == "true" else commit,
            "hash of its parameters": tags.get("params_hash", ""),
        }
        machine = {MACHINE[tag]: tags.get(tag, "") for tag in ("machine.cpu", "machine.cores", "machine.torch")}
        rows.append(Row(record.name, ours | machine))
    return tuple(rows)


def _data(results: Results) -> list[tuple[str, str]]:
    facts = [("setting", results.setting)]
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
    return facts


def _model(results: Results) -> list[tuple[str, str]]:
    facts = []
    if model := results.methods.get("sweettok"):
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


def _trainings(results: Results) -> list[tuple[str, str]]:
    facts = []
    if results.histories:
        steps = {name: int(max(history["step"], default=0)) for name, history in results.histories.items()}
        facts.append(("steps of the trainings", ", ".join(f"{name} {number:,}" for name, number in steps.items())))
    if results.cells:
        steps_of_cells = " or ".join(
            f"{steps:,}" for steps in sorted({cell.summary["steps"] for cell in results.cells})
        )
        times = "their times are in MLflow: sweettok compare --metric seconds"
        facts.append(("ablation", f"{len(results.cells)} cells of {steps_of_cells} steps; {times}"))
    return facts


def _cost(records: Sequence[StageRecord]) -> list[tuple[str, str]]:
    """Time and energy of all stages together."""
    if not records:
        return []
    read = [record.joules for record in records if record.joules is not None]
    spent = f"{sum(read) / 1e3:.1f} kJ, of the whole machine" if len(read) == len(records) else UNREADABLE
    minutes = f"{sum(record.seconds for record in records) / 60:.1f} minutes"
    return [("time of the stages, this one left out", minutes), ("energy of the processors", spent)]


def _source(origin: Origin) -> list[tuple[str, str]]:
    facts = []
    if origin.parameters:
        digest = sha256(json.dumps(dict(origin.parameters), sort_keys=True).encode()).hexdigest()
        facts.append(("SHA-256 of the parameters below", digest[:DIGITS]))
    machine = origin.machine
    return facts + [(f"report drawn with {name}", machine[key]) for key, name in MACHINE.items() if key in machine]
