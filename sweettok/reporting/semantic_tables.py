"""Table T7 and what goes with it: few-shot accuracy from words, probes of factors, words that captions share."""

from collections.abc import Iterable, Mapping
from typing import Any

from sweettok.reporting.collect import Results
from sweettok.reporting.names import method_title
from sweettok.reporting.protocol import skipped_notes
from sweettok.reporting.published import published, published_columns
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.table import Content, Number, Row, Table

IN_CONTEXT = "in context"
DIFFERENCE = "spatial - temporal"


def few_shot_table(results: Results) -> Table:
    """T7: one row a task, ways and shots, and its average beside the paper's; one column a representation."""
    semantics = results.semantics or {}
    in_context = [{**entry, "representation": IN_CONTEXT} for entry in semantics.get("in_context", [])]
    entries = semantics.get("few_shot", []) + in_context
    rows = []
    for row in published("T7"):
        of_task = [entry for entry in semantics.get("few_shot_average", []) if entry["task"] == row.ours]
        chance = {"chance": Number(of_task[0]["chance"])} if of_task else {}
        ours = _by_representation(of_task) | chance
        rows.append(Row(row.method, ours, published_columns(row), "" if entries else "ours not run"))
    names = dict.fromkeys(few_shot_name(entry) for entry in entries)
    for name in names:
        of_name = [entry for entry in entries if few_shot_name(entry) == name]
        rows.append(Row(name, _by_representation(of_name) | {"chance": Number(1 / of_name[0]["ways"])}))
    first = (*dict.fromkeys(entry["representation"] for entry in entries), "chance")
    also, skipped = (["in_context"] if in_context else []), skipped_notes(semantics, ("words",))
    return declared_table("T7", rows, results.setting, first=first, also=also, notes=skipped)


def few_shot_name(entry: Mapping[str, Any]) -> str:
    """E.g. "image, 5-way 1-shot"."""
    return f"{entry['task']}, {entry['ways']}-way {entry['shots']}-shot"


def factor_name(entry: Mapping[str, Any]) -> str:
    """The factor that a probe reads, e.g. "colour"."""
    return entry["factor"].removeprefix("factor:")


def _by_representation(entries: Iterable[Mapping[str, Any]]) -> dict[str, Content]:
    return {entry["representation"]: Number.of(entry["accuracy"]) for entry in entries}


def probe_table(results: Results) -> Table:
    """T7_probes: the disentanglement matrix; one row a factor, one column a token group or reference. Not in the paper."""
    semantics = results.semantics or {}
    probes, differences = semantics.get("probes", []), semantics.get("probe_differences", [])
    rows: dict[str, dict[str, Content]] = {}
    for entry in probes + differences:
        columns = rows.setdefault(factor_name(entry), {})
        if entry.get("kind"):
            columns["kind"] = entry["kind"]
        if "difference" in entry:
            columns[DIFFERENCE] = Number.of(entry["difference"])
        else:
            columns |= {entry["tokens"]: Number.of(entry["accuracy"]), "chance": Number(entry["chance"])}
    tokens = dict.fromkeys(entry["tokens"] for entry in probes) or ("spatial", "temporal")
    shown = [Row(factor, columns) for factor, columns in rows.items()] or [Row("probes", remark="not run")]
    return declared_table("T7_probes", shown, results.setting, first=("kind", *tokens, "chance", DIFFERENCE))


def word_information_table(results: Results) -> Table:
    """T7_words: mutual information between tokens' words and caption's words, by part of speech. Not in the paper."""
    rows = [
        Row(
            f"{entry['tokens']} tokens, caption's {entry['part_of_speech']}s",
            {
                "counted": Number(entry["information"]),
                "shuffled captions": Number(entry["null"]),
                "excess": Number.of(entry["excess"]),
                "p": Number(entry["p_value"]),
                "caption words": Number(entry["lemmas"]),
            },
        )
        for entry in (results.semantics or {}).get("mutual_information", [])
    ]
    return declared_table("T7_words", rows or [Row("mutual information", remark="not run")], results.setting)


def variant_semantics_table(results: Results) -> Table | None:
    """T7_variants: what the tokens of each ablation variant know, means over seeds; None where no cell measured it."""
    rows = []
    for variant in results.variants:
        summaries = [cell.summary for cell in results.of_variant(variant).values()]
        if measured := [summary["semantics"] for summary in summaries if "semantics" in summary]:
            rows.append(Row(method_title(variant), _over_seeds(measured) | {"seeds": Number(len(measured))}))
    if not rows:
        return None
    return declared_table("T7_variants", rows, f"{results.setting}; the ablation's own, shorter schedule")


def _over_seeds(measured: Iterable[Mapping[str, Any]]) -> dict[str, Content]:
    """measured: what `sweettok.metrics.semantics.token_semantics` gave for each seed."""
    records: dict[str, list[Mapping[str, Any]]] = {}
    for semantics in measured:
        for entry in semantics["few_shot_average"]:
            codes = "words" if entry["representation"].startswith("words_") else "codes"
            records.setdefault(f"{entry['task']}: {codes} (chance {entry['chance']:.2g})", []).append(entry["accuracy"])
        for entry in semantics["probe_differences"]:
            if entry["factor"].startswith("all "):
                records.setdefault(f"{entry['factor']}: {DIFFERENCE}", []).append(entry["difference"])
    return {name: Number.over_seeds(of_seeds) for name, of_seeds in records.items()}
