"""Priors of several sizes, all else equal: the scaling row of T2 as a table and as a figure."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sweettok.reporting.collect import PriorRun, Results
from sweettok.reporting.names import method_title
from sweettok.reporting.published import published, published_columns
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.style import COLOURS
from sweettok.reporting.table import Content, Number, Row, Table

PUBLISHED_ROWS = ("SweetTok 650M", "SweetTok 1.9B")
RECORDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {  # column -> where a summary has its record
    "validation loss (nats a token)": lambda summary: summary["metrics"]["loss"],
    "frechet_video/judge": lambda summary: summary["metrics"]["frechet_video/judge"],
    "class consistency": lambda summary: summary["class_consistency"],
}


def by_size(results: Results) -> dict[str, list[PriorRun]]:
    """size -> its runs, the smallest prior first."""
    found: dict[str, list[PriorRun]] = {}
    for run in sorted(results.prior_scaling, key=lambda run: (run.summary["parameters"], run.size, run.seed)):
        found.setdefault(run.size, []).append(run)
    return found


def scaling_table(results: Results) -> Table | None:
    """T2_scaling, one row a size; None where the profile compares no sizes."""
    if not results.prior_scaling:
        return None
    rows = [
        Row(row.method, published=published_columns(row)) for row in published("T2") if row.method in PUBLISHED_ROWS
    ]
    for size, runs in by_size(results).items():
        ours: dict[str, Content] = {"parameters": Number(int(runs[0].summary["parameters"]))}
        for column, record_of in RECORDS.items():
            ours[column] = Number.over_seeds(record_of(run.summary) for run in runs)
        rows.append(Row(method_title(size), ours | {"seeds": ", ".join(str(run.seed) for run in runs)}))
    return declared_table("T2_scaling", rows, results.setting)


def scaling_curves(results: Results) -> Figure | None:
    """Frechet distance and validation loss over parameters: every seed a dot, the mean a line. None: no sizes."""
    sizes = by_size(results)
    if not sizes:
        return None
    figure = Figure(figsize=(9, 3.2))
    shown = ("frechet_video/judge", "validation loss (nats a token)")
    parameters = [runs[0].summary["parameters"] for runs in sizes.values()]
    for panel, column, colour in zip(figure.subplots(1, len(shown)), shown, COLOURS, strict=False):
        values = [[RECORDS[column](run.summary)["value"] for run in runs] for runs in sizes.values()]
        panel.plot(parameters, [np.mean(of_size) for of_size in values], color=colour)
        for place, of_size in zip(parameters, values, strict=True):
            panel.scatter(
                [place] * len(of_size), of_size, s=16, color=colour, edgecolor="black", linewidth=0.5, zorder=3
            )
        panel.set(xscale="log", xlim=(min(parameters) / 1.6, max(parameters) * 1.6), title=column)
        names = [name.replace("_", " ") for name in sizes]
        panel.set_xticks(parameters, [f"{name}\n{_short(n)}" for name, n in zip(names, parameters, strict=True)])
        panel.minorticks_off()
    figure.supxlabel("size and parameters of the prior (dots: seeds, line: mean); lower is better", fontsize=9)
    return figure


def _short(parameters: int) -> str:
    """E.g. 98k, 1.2M, 1.9B."""
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if parameters >= unit:
            return f"{parameters / unit:.3g}{letter}"
    return str(parameters)
