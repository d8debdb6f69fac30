"""Table T7 and what goes with it: few-shot accuracy from words, probes of factors, words that captions share."""

from collections.abc import Iterable, Mapping
from typing import Any

from sweettok.reporting.collect import Results
from sweettok.reporting.names import method_title
from sweettok.reporting.protocol import skipped_notes
from sweettok.reporting.published import published, published_cells
from sweettok.reporting.table import Content, Number, Row, Table

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


def few_shot_table(results: Results) -> Table:
    """T7: one row a task, ways and shots, and its average beside the paper's; one column a representation."""
    semantics = results.semantics or {}
    told = [{**entry, "representation": IN_CONTEXT} for entry in semantics.get("in_context", [])]
    entries = semantics.get("few_shot", []) + told
    rows = []
    for row in published("T7"):
        of_task = [entry for entry in semantics.get("few_shot_average", []) if entry["task"] == row.ours]
        chance = {"chance": Number(of_task[0]["chance"])} if of_task else {}
        ours = _by_representation(of_task) | chance
        rows.append(Row(row.method, ours, published_cells(row), "" if entries else "ours not run"))
    names = dict.fromkeys(few_shot_name(entry) for entry in entries)
    for name in names:
        of_name = [entry for entry in entries if few_shot_name(entry) == name]
        rows.append(Row(name, _by_representation(of_name) | {"chance": Number(1 / of_name[0]["ways"])}))
    return Table(
        identity="T7",
        title="few-shot classification (paper: accuracy in %, higher is better; ours: share, 0 to 1)",
        rows=tuple(rows),
        setting=results.setting,
        first=(*dict.fromkeys(entry["representation"] for entry in entries), "chance"),
        notes=(
            REPRESENTATION_NOTE,
            AVERAGE_NOTE,
            EPISODES_NOTE,
            *((IN_CONTEXT_NOTE,) if told else ()),
            *skipped_notes(semantics, ("words",)),
        ),
    )


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
        cells = rows.setdefault(factor_name(entry), {})
        if entry.get("kind"):
            cells["kind"] = entry["kind"]
        if "difference" in entry:
            cells[DIFFERENCE] = Number.of(entry["difference"])
        else:
            cells |= {entry["tokens"]: Number.of(entry["accuracy"]), "chance": Number(entry["chance"])}
    tokens = dict.fromkeys(entry["tokens"] for entry in probes) or ("spatial", "temporal")
    return Table(
        identity="T7_probes",
        title="which tokens carry which factor of a clip (probe accuracy, 0 to 1)",
        rows=tuple(Row(factor, cells) for factor, cells in rows.items()) or (Row("probes", remark="not run"),),
        setting=results.setting,
        first=("kind", *tokens, "chance", DIFFERENCE),
        notes=(
            "Chance: the share of the most frequent value; a probe that learns nothing can fall below it.",
            "[low, high]: 95 % interval over clips. The difference is paired over clips, in share: if spatial tokens hold "
            "appearance and temporal ones motion, it is above zero for appearance and below zero for motion.",
            "judge and pixels are references: features of the judge network, which is trained on these factors, and "
            "pixels averaged to 5 x 8 x 8.",
        ),
    )


def word_information_table(results: Results) -> Table:
    """T7_words: mutual information between tokens' words and caption's words, by part of speech. Not in the paper."""
    rows = tuple(
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
    )
    return Table(
        identity="T7_words",
        title="what a clip's words tell of its caption's words (mutual information, bits)",
        rows=rows or (Row("mutual information", remark="not run"),),
        setting=results.setting,
        notes=(
            "I(W; L) of a word W of one of a clip's tokens and a word L of its caption, each drawn evenly, clips too. "
            "Counted on few clips it is above zero for unrelated words as well; the excess over shuffled captions is not.",
            "[low, high]: 95 % interval over clips (delete-half jackknife). p: one-sided, by the same shuffles. Not "
            "corrected for the number of rows.",
        ),
    )


def variant_semantics_table(results: Results) -> Table | None:
    """T7_variants: what the tokens of each ablation variant know, means over seeds; None where no cell measured it."""
    rows = []
    for variant in results.variants:
        summaries = [cell.summary for cell in results.of_variant(variant).values()]
        if measured := [summary["semantics"] for summary in summaries if "semantics" in summary]:
            rows.append(Row(method_title(variant), _over_seeds(measured) | {"seeds": Number(len(measured))}))
    if not rows:
        return None
    return Table(
        identity="T7_variants",
        title="what the tokens of each ablation variant know (few-shot accuracy, probe differences)",
        rows=tuple(rows),
        setting=f"{results.setting}; the ablation's own, shorter schedule",
        notes=(
            "± is the sample standard deviation over seeds. Few-shot: mean over ways and shots, by nearest class mean of "
            "the codes or of the words' frozen vectors; all variants meet the same episodes.",
            f"{DIFFERENCE}: probe accuracy, mean over the factors of a kind.",
        ),
    )


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
