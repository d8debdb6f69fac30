"""Table T7: few-shot accuracy from words alone, and what spatial and temporal tokens know of the clips' factors."""

from typing import Any

from sweettok.reporting.cells import protocol, published_cells
from sweettok.reporting.collect import Results
from sweettok.reporting.published import published
from sweettok.reporting.table import Number, Row, Table

REPRESENTATION_NOTE = (
    "The paper shows the words to a language model in context, ours compares representations by distance to the shots' "
    "mean: the two columns answer the same question by different means."
)


def few_shot_table(results: Results, setting: str) -> Table:
    """T7: one row a task, ways and shots; one column a representation."""
    entries = (results.semantics or {}).get("few_shot", [])
    representations = tuple(dict.fromkeys(entry["representation"] for entry in entries))
    rows = [Row(row.method, published_cells(row), remark="" if entries else "ours not run") for row in published("T7")]
    for task, ways, shots in dict.fromkeys((entry["task"], entry["ways"], entry["shots"]) for entry in entries):
        records = {
            entry["representation"]: entry["accuracy"]
            for entry in entries
            if (entry["task"], entry["ways"], entry["shots"]) == (task, ways, shots)
        }
        cells = {name: Number.of(record) for name, record in records.items()}
        chance = {"chance": Number(1 / ways)}
        rows.append(Row(f"{task}, {ways}-way {shots}-shot", {}, {**cells, **chance}, protocol(records)))
    return Table(
        identity="T7",
        title="few-shot classification (paper: accuracy in %, higher is better; ours: share, 0 to 1)",
        published_columns=("accuracy, %", "source"),
        our_columns=(*representations, "chance"),
        rows=tuple(rows),
        setting=setting,
        notes=(REPRESENTATION_NOTE,),
    )


def probe_table(results: Results, setting: str) -> Table:
    """T7_probes: accuracy of linear probes; one row a factor, one column a token group. Not in the paper."""
    probes: list[dict[str, Any]] = (results.semantics or {}).get("probes", [])
    groups = tuple(dict.fromkeys(entry["tokens"] for entry in probes))
    rows = []
    for factor in dict.fromkeys(entry["factor"] for entry in probes):
        found = {entry["tokens"]: entry for entry in probes if entry["factor"] == factor}
        records = {group: entry["accuracy"] for group, entry in found.items()}
        chance = Number(next(iter(found.values()))["chance"])
        cells = {group: Number.of(record) for group, record in records.items()}
        rows.append(Row(factor.removeprefix("factor:"), {}, {**cells, "chance": chance}, protocol(records)))
    return Table(
        identity="T7_probes",
        title="which tokens carry which factor of a clip (probe accuracy, 0 to 1)",
        published_columns=(),
        our_columns=(*(groups or ("spatial", "temporal")), "chance"),
        rows=tuple(rows) or (Row("probes", remark="not run"),),
        setting=setting,
        notes=("Chance: the share of the most frequent value.",),
    )
