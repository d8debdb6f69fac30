"""Table T7 and what goes with it: few-shot accuracy from words, probes of factors, words that captions share."""

from collections.abc import Mapping
from typing import Any

from sweettok.metrics.statistics import mean_and_std
from sweettok.reporting.cells import left_out_notes, protocol, published_cells
from sweettok.reporting.collect import Results
from sweettok.reporting.published import published
from sweettok.reporting.table import Number, Row, Table

REPRESENTATION_NOTE = (
    "The paper shows the words to a language model in context, ours compares representations by distance to the shots' "
    "mean: the two columns answer the same question by different means, on other data."
)
IN_CONTEXT_NOTE = "`in context`: the words shown to the language model that the protocol names, on these clips; not the paper's model."
AVERAGE_NOTE = (
    "The rows of averages are over all ways and shots below them; the paper does not say over which its own are."
)
EPISODES_NOTE = (
    "[low, high]: 95 % interval over episodes, which draw from one set of clips: it does not cover other clips."
)
IN_CONTEXT = "in context"
DIFFERENCE = "spatial - temporal"


def few_shot_table(results: Results, setting: str) -> Table:
    """T7: one row a task, ways and shots, and its average beside the paper's; one column a representation."""
    semantics = results.semantics or {}
    entries, averages = semantics.get("few_shot", []), semantics.get("few_shot_average", [])
    told = [{**entry, "representation": IN_CONTEXT} for entry in semantics.get("in_context", [])]
    representations = tuple(dict.fromkeys(entry["representation"] for entry in [*entries, *told]))
    rows = []
    for row in published("T7"):
        of_task = [entry for entry in averages if entry["task"] == row.ours]
        ours, made = _by_representation(of_task)
        chance = {"chance": Number(of_task[0]["chance"])} if of_task else {}
        rows.append(Row(row.method, published_cells(row), ours | chance, made, "" if entries else "ours not run"))
    for task, ways, shots in dict.fromkeys((entry["task"], entry["ways"], entry["shots"]) for entry in entries):
        ours, made = _by_representation(
            entry
            for entry in [*entries, *told]
            if (entry["task"], entry["ways"], entry["shots"]) == (task, ways, shots)
        )
        rows.append(Row(f"{task}, {ways}-way {shots}-shot", {}, ours | {"chance": Number(1 / ways)}, made))
    return Table(
        identity="T7",
        title="few-shot classification (paper: accuracy in %, higher is better; ours: share, 0 to 1)",
        published_columns=("accuracy, %", "source"),
        our_columns=(*representations, "chance"),
        rows=tuple(rows),
        setting=setting,
        notes=(
            REPRESENTATION_NOTE,
            AVERAGE_NOTE,
            EPISODES_NOTE,
            *((IN_CONTEXT_NOTE,) if told else ()),
            *left_out_notes(semantics, ("words",)),
        ),
    )


def _by_representation(entries: Any) -> tuple[dict[str, Number | str], dict[str, tuple[str, ...]]]:
    """Cells by representation, and how they were made."""
    records = {entry["representation"]: entry["accuracy"] for entry in entries}
    return {name: Number.of(record) for name, record in records.items()}, protocol(records)


def probe_table(results: Results, setting: str) -> Table:
    """T7_probes: the disentanglement matrix; one row a factor, one column a token group or reference. Not in the paper."""
    semantics = results.semantics or {}
    probes: list[dict[str, Any]] = semantics.get("probes", [])
    differences = {entry["factor"]: entry for entry in semantics.get("probe_differences", [])}
    names = tuple(dict.fromkeys(entry["tokens"] for entry in probes))
    rows = []
    for factor in dict.fromkeys([*(entry["factor"] for entry in probes), *differences]):
        found = {entry["tokens"]: entry for entry in probes if entry["factor"] == factor}
        records = {name: entry["accuracy"] for name, entry in found.items()}
        if factor in differences:
            records[DIFFERENCE] = differences[factor]["difference"]
        cells: dict[str, Number | str] = {name: Number.of(record) for name, record in records.items()}
        first = next(iter(found.values()), differences.get(factor, {}))
        if found:
            cells["chance"] = Number(first["chance"])
        if first.get("kind"):
            cells["kind"] = first["kind"]
        rows.append(Row(factor.removeprefix("factor:"), {}, cells, protocol(records)))
    return Table(
        identity="T7_probes",
        title="which tokens carry which factor of a clip (probe accuracy, 0 to 1)",
        published_columns=(),
        our_columns=("kind", *(names or ("spatial", "temporal")), "chance", DIFFERENCE),
        rows=tuple(rows) or (Row("probes", remark="not run"),),
        setting=setting,
        notes=(
            "Chance: the share of the most frequent value; a probe that learns nothing can fall below it.",
            "[low, high]: 95 % interval over clips. The difference is paired over clips, in share: if spatial tokens hold "
            "appearance and temporal ones motion, it is above zero for appearance and below zero for motion.",
            "judge and pixels are references: features of the judge network, which is trained on these factors, and "
            "pixels averaged to 5 x 8 x 8.",
        ),
    )


def word_information_table(results: Results, setting: str) -> Table:
    """T7_words: mutual information between tokens' words and caption's words, by part of speech. Not in the paper."""
    rows = []
    for entry in (results.semantics or {}).get("mutual_information", []):
        cells: dict[str, Number | str] = {
            "counted": Number(entry["information"]),
            "shuffled captions": Number(entry["null"]),
            "excess": Number.of(entry["excess"]),
            "p": Number(entry["p_value"]),
            "caption words": Number(entry["lemmas"]),
        }
        name = f"{entry['tokens']} tokens, caption's {entry['part_of_speech']}s"
        rows.append(Row(name, {}, cells, protocol({"excess": entry["excess"]})))
    return Table(
        identity="T7_words",
        title="what a clip's words tell of its caption's words (mutual information, bits)",
        published_columns=(),
        our_columns=("counted", "shuffled captions", "excess", "p", "caption words"),
        rows=tuple(rows) or (Row("mutual information", remark="not run"),),
        setting=setting,
        notes=(
            "I(W; L) of a word W of one of a clip's tokens and a word L of its caption, each drawn evenly, clips too. "
            "Counted on few clips it is above zero for unrelated words as well; the excess over shuffled captions is not.",
            "[low, high]: 95 % interval over clips (delete-half jackknife). p: one-sided, by the same shuffles. Not "
            "corrected for the number of rows.",
        ),
    )


def variant_semantics_tables(results: Results, setting: str) -> tuple[Table, ...]:
    """T7_variants: what the tokens of each ablation variant know, means over seeds; none where no cell measured it."""
    measured = {
        variant: [
            cell.summary["semantics"] for cell in results.of_variant(variant).values() if "semantics" in cell.summary
        ]
        for variant in results.variants
    }
    rows = [_variant_row(variant, cells) for variant, cells in measured.items() if cells]
    if not rows:
        return ()
    return (
        Table(
            identity="T7_variants",
            title="what the tokens of each ablation variant know (few-shot accuracy, probe differences)",
            published_columns=(),
            our_columns=tuple(dict.fromkeys(column for row in rows for column in row.ours)),
            rows=tuple(rows),
            setting=f"{setting}; the ablation's own, shorter schedule",
            notes=(
                "± is the sample standard deviation over seeds. Few-shot: mean over ways and shots, by nearest class mean of "
                "the codes or of the words' frozen vectors; all variants meet the same episodes.",
                f"{DIFFERENCE}: probe accuracy, mean over the factors of a kind.",
            ),
        ),
    )


def _variant_row(variant: str, cells: list[Mapping[str, Any]]) -> Row:
    """cells: what `sweettok.metrics.semantics.token_semantics` gave for each seed."""
    records: dict[str, list[Mapping[str, Any]]] = {}
    for cell in cells:
        for entry in cell["few_shot_average"]:
            codes = "words" if entry["representation"].startswith("words_") else "codes"
            records.setdefault(f"{entry['task']}: {codes} (chance {entry['chance']:.2g})", []).append(entry["accuracy"])
        for entry in cell["probe_differences"]:
            if entry["factor"].startswith("all "):
                records.setdefault(f"{entry['factor']}: {DIFFERENCE}", []).append(entry["difference"])
    spread = {name: mean_and_std([record["value"] for record in of_seeds]) for name, of_seeds in records.items()}
    ours: dict[str, Number | str] = {name: Number(mean, std=std) for name, (mean, std) in spread.items()}
    made = protocol({name: of_seeds[0] for name, of_seeds in records.items()})
    return Row(variant.replace("_", " "), {}, ours | {"seeds": Number(len(cells))}, made)
