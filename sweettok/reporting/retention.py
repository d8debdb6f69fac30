"""Factor retention: what the judge still names rightly on reconstructions, as the table T1_retention and as a figure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sweettok.metrics.statistics import mean_and_std
from sweettok.reporting.cells import METHODS, label_of, protocol
from sweettok.reporting.collect import Results
from sweettok.reporting.style import COLOURS, GREY
from sweettok.reporting.table import Number, Row, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Records = Mapping[str, Mapping[str, Any]]  # factor -> metric record
SHOWN = ("proxy", "sweettok", "trilinear_bits", "mean_colour")  # methods of the figure, from the left
MARKERS = "oDs^v"


def accuracy_on_real_clips(results: Results) -> Records:
    """Factor -> record of the judge's accuracy on real test clips; empty where nothing is to be told apart."""
    return (results.reconstruction or {}).get("judge", {}).get("accuracy", {})


def retention_by_method(results: Results) -> dict[str, Records]:
    """Method -> its retention records by factor, in the order of T1."""
    methods = (results.reconstruction or {}).get("methods", {})
    names = [name for name in METHODS if name in methods] + [name for name in methods if name not in METHODS]
    return {name: methods[name]["retention"] for name in names if methods[name].get("retention")}


def retention_tables(results: Results, setting: str) -> tuple[Table, ...]:
    """The table T1_retention, one row a method and one column a factor; nothing where there are no factors to tell."""
    real = accuracy_on_real_clips(results)
    if not real:
        return ()
    chance = {name: Number(record["protocol"]["chance"]) for name, record in real.items()}
    rows = [_row("real clips (judge's accuracy)", real), Row("chance (the most frequent value)", {}, chance)]
    rows += [_row(label_of(name), records) for name, records in retention_by_method(results).items()]
    rows += [_variant_row(results, variant) for variant in results.variants]
    return (
        Table(
            identity="T1_retention",
            title="factor retention: accuracy of the judge on reconstructions, as a share of its accuracy on real clips "
            "(not in the paper)",
            published_columns=(),
            our_columns=tuple(real),
            rows=tuple(row for row in rows if row.ours),
            setting=setting,
            notes=(
                "The first two rows are accuracies, all others retentions: 1 means that nothing is lost. A method that "
                "keeps nothing of a factor comes to about chance / accuracy, not to 0.",
                "[low, high]: 95 % interval over clips, the same clips drawn for both accuracies; ± is the sample standard "
                "deviation over seeds. Ablation variants have their own, shorter schedule.",
                "The judge is also the perceptual loss of the trainings, which flatters what was trained on it (SweetTok, "
                "the proxy, the ablation) beside the other methods.",
            ),
        ),
    )


def _row(label: str, records: Records) -> Row:
    return Row(label, {}, {name: Number.of(record) for name, record in records.items()}, protocol(records))


def _variant_row(results: Results, variant: str) -> Row:
    """Means over the seeds that measured a factor; the seeds' records differ in nothing else but the seed."""
    records: dict[str, list[Mapping[str, Any]]] = {}
    for cell in results.of_variant(variant).values():
        for name, record in cell.summary.get("retention", {}).items():
            records.setdefault(name, []).append(record)
    spread = {name: mean_and_std([record["value"] for record in of_seeds]) for name, of_seeds in records.items()}
    made = protocol({name: {**of_seeds[0], "seed": None} for name, of_seeds in records.items()})
    label = f"{variant.replace('_', ' ')} (ablation)"
    return Row(label, {}, {name: Number(mean, std=std) for name, (mean, std) in spread.items()}, made)


def retention_chart(results: Results) -> "Figure | None":
    """Accuracy by factor, a dot a method: how far below real clips, how far above chance. None: no factors to tell."""
    from matplotlib.figure import Figure

    real, retention = accuracy_on_real_clips(results), retention_by_method(results)
    if not real:
        return None
    accuracies = {"real test clips": {name: record["value"] for name, record in real.items()}}
    for method in SHOWN:
        if method in retention:
            kept = {name: record["protocol"]["accuracy"] for name, record in retention[method].items()}
            accuracies[label_of(method)] = kept
    figure = Figure(figsize=(max(6.0, 1.5 + 1.05 * len(real)), 3.6))
    panel = figure.subplots()
    places = {name: place for place, name in enumerate(real)}
    offsets = np.linspace(-0.26, 0.26, len(accuracies))
    looks = zip(offsets, ("black", *COLOURS), MARKERS, accuracies.items(), strict=False)
    for offset, colour, marker, (label, values) in looks:
        across = [places[name] + offset for name in values]
        panel.scatter(across, list(values.values()), s=30, color=colour, marker=marker, label=label, zorder=3)
    chance = [record["protocol"]["chance"] for record in real.values()]
    panel.hlines(
        chance, np.arange(len(real)) - 0.4, np.arange(len(real)) + 0.4, color=GREY, linewidth=1, label="chance"
    )
    panel.set_xticks(range(len(real)), list(real))
    panel.set(ylim=(0, 1.04), ylabel="judge's accuracy")
    panel.grid(axis="x", visible=False)
    figure.legend(loc="outside lower center", ncols=3)
    return figure
