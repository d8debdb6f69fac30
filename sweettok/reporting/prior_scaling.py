"""Priors of several sizes, all else equal: the scaling row of T2 as a table and as a figure."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sweettok.metrics.statistics import mean_and_std
from sweettok.reporting.cells import NOT_I3D, protocol, published_cells
from sweettok.reporting.collect import PriorCell, Results
from sweettok.reporting.published import published
from sweettok.reporting.style import COLOURS
from sweettok.reporting.table import Number, Row, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PUBLISHED_ROWS = ("SweetTok 650M", "SweetTok 1.9B")
RECORDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {  # column -> where a summary has its record
    "validation loss (nats a token)": lambda summary: summary["metrics"]["loss"],
    "frechet_video/judge": lambda summary: summary["metrics"]["frechet_video/judge"],
    "class consistency": lambda summary: summary["class_consistency"],
}


def by_size(results: Results) -> dict[str, list[PriorCell]]:
    """size -> its cells, the smallest prior first."""
    found: dict[str, list[PriorCell]] = {}
    for cell in sorted(results.prior_scaling, key=lambda cell: (cell.summary["parameters"], cell.size, cell.seed)):
        found.setdefault(cell.size, []).append(cell)
    return found


def scaling_tables(results: Results, setting: str) -> tuple[Table, ...]:
    """The table T2_scaling, one row a size; nothing where the profile compares no sizes."""
    if not results.prior_scaling:
        return ()
    rows = [Row(row.method, published_cells(row)) for row in published("T2") if row.method in PUBLISHED_ROWS]
    for size, cells in by_size(results).items():
        ours: dict[str, Number | str] = {"parameters": Number(int(cells[0].summary["parameters"]))}
        for column, record_of in RECORDS.items():
            mean, spread = mean_and_std([record_of(cell.summary)["value"] for cell in cells])
            ours[column] = Number(mean, std=spread)
        ours["seeds"] = ", ".join(str(cell.seed) for cell in cells)
        # the seeds' records differ in nothing but the seed, which has its own column
        first = {column: {**record_of(cells[0].summary), "seed": None} for column, record_of in RECORDS.items()}
        rows.append(Row(size.replace("_", " "), {}, ours, protocol(first)))
    return (
        Table(
            identity="T2_scaling",
            title="priors of several sizes, all else equal (paper: gFVD on UCF-101, lower is better)",
            published_columns=("gFVD", "source"),
            our_columns=("parameters", *RECORDS, "seeds"),
            rows=tuple(rows),
            setting=setting,
            notes=(
                NOT_I3D,
                "± is the sample standard deviation over seeds. A seed sets the initial weights, the order of the clips "
                "and the noise of the samples; every size has the same steps, batches and tokens.",
            ),
        ),
    )


def scaling_curves(results: Results) -> "Figure | None":
    """Frechet distance and validation loss over parameters: every seed a dot, the mean a line. None: no sizes."""
    from matplotlib.figure import Figure

    sizes = by_size(results)
    if not sizes:
        return None
    figure = Figure(figsize=(9, 3.2))
    shown = ("frechet_video/judge", "validation loss (nats a token)")
    parameters = [cells[0].summary["parameters"] for cells in sizes.values()]
    for panel, column, colour in zip(figure.subplots(1, len(shown)), shown, COLOURS, strict=False):
        values = [[RECORDS[column](cell.summary)["value"] for cell in cells] for cells in sizes.values()]
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
