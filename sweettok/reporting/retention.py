"""Factor retention: what the judge still names rightly on reconstructions, as the table T1_retention and as a figure."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sweettok.reporting.collect import Results
from sweettok.reporting.names import method_title, trained_alike
from sweettok.reporting.reconstruction import RETENTION_BAR
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.style import COLOURS, GREY, MARKERS
from sweettok.reporting.table import Content, Number, Row, Table
from sweettok.reporting.thresholds import remark

Records = Mapping[str, Mapping[str, Any]]  # factor -> metric record


def accuracy_on_real_clips(results: Results) -> Records:
    """Factor -> record of the judge's accuracy on real test clips; empty where nothing is to be told apart."""
    return (results.reconstruction or {}).get("judge", {}).get("accuracy", {})


def retention_table(results: Results) -> Table | None:
    """T1_retention, one row a method and one column a factor; None where there are no factors to tell."""
    real = accuracy_on_real_clips(results)
    if not real:
        return None
    chance: dict[str, Content] = {name: Number(record["protocol"]["chance"]) for name, record in real.items()}
    rows = [Row("real clips (judge's accuracy)", _cells(real)), Row("chance (the most frequent value)", chance)]
    rows += [Row(method_title(name), _kept(results, name)) for name in results.methods]
    rows += [Row(trained_alike(name), _over_seeds(results, name)) for name in results.variants]
    return declared_table("T1_retention", [row for row in rows if row.ours], results.setting)


def _cells(records: Records) -> dict[str, Content]:
    return {name: Number.of(record) for name, record in records.items()}


def _kept(results: Results, method: str) -> dict[str, Content]:
    """What a method retains, with the thresholds that it misses beside it."""
    bar, records = RETENTION_BAR.get(method, ""), results.methods[method].get("retention") or {}
    return {name: Number.of(record).with_remark(remark(results, bar + name)) for name, record in records.items()}


def _over_seeds(results: Results, variant: str) -> dict[str, Content]:
    """Means over the seeds that measured a factor."""
    records: dict[str, list[Mapping[str, Any]]] = {}
    for cell in results.of_variant(variant).values():
        for name, record in cell.summary.get("retention", {}).items():
            records.setdefault(name, []).append(record)
    return {name: Number.over_seeds(of_seeds) for name, of_seeds in records.items()}


def retention_chart(results: Results) -> Figure | None:
    """Accuracy by factor, a dot a method: how far below real clips, how far above chance. None: no factors to tell."""
    real = accuracy_on_real_clips(results)
    if not real:
        return None
    accuracies = {"real test clips": {name: record["value"] for name, record in real.items()}}
    for method, entry in results.methods.items():
        if kept := entry.get("retention"):
            accuracies[method_title(method)] = {name: record["protocol"]["accuracy"] for name, record in kept.items()}
    figure = Figure(figsize=(max(6.0, 1.5 + 1.05 * len(real)), 3.6))
    panel = figure.subplots()
    places = {name: place for place, name in enumerate(real)}
    offsets = np.linspace(-0.26, 0.26, len(accuracies))
    colours = cycle(("black", *COLOURS))
    looks = zip(offsets, colours, cycle(MARKERS), accuracies.items(), strict=False)
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
