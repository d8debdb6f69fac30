"""Priors compared beside T2, as tables and a figure: of several sizes, and over the tokens of ablation variants."""

from collections.abc import Iterable, Mapping
from math import exp, log
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sweettok.metrics.statistics import mean_and_std
from sweettok.reporting.collect import PriorRun, Results
from sweettok.reporting.names import method_title
from sweettok.reporting.published import published, published_columns
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.style import COLOURS
from sweettok.reporting.table import Content, Number, Row, Table

PUBLISHED_ROWS = ("SweetTok 650M", "SweetTok 1.9B")
RECORDS = {  # column -> record
    "validation loss (nats per token)": "loss",
    "frechet_video/judge": "frechet_video/judge",
    "class consistency": "class_consistency",
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
        parameters = {"parameters": Number(int(runs[0].summary["parameters"]))}
        ours = _columns(run.summary["metrics"] for run in runs) | {"seeds": ", ".join(str(run.seed) for run in runs)}
        rows.append(Row(method_title(size), parameters | ours))
    return declared_table("T2_scaling", rows, results.setting)


def variants_table(results: Results) -> Table | None:
    """T2_variants, a row for each ablation variant with a prior over its cells' tokens; None where there is none."""
    rows = []
    for variant in results.variants:
        found = {
            seed: cell.summary["generation"]["metrics"]
            for seed, cell in results.of_variant(variant).items()
            if "generation" in cell.summary
        }
        if found:
            ours = _columns(found.values()) | _predictability(found.values())
            rows.append(Row(method_title(variant), ours | {"seeds": ", ".join(map(str, found))}))
    return declared_table("T2_variants", rows, results.setting) if rows else None


def _predictability(metrics: Iterable[Mapping[str, Any]]) -> dict[str, Content]:
    """How well priors predict tokens: perplexity, and the bits that a clip takes where they do."""
    losses = [found["loss"] for found in metrics]
    perplexity, spread = mean_and_std([exp(loss["value"]) for loss in losses])
    bits, of_bits = mean_and_std([loss["value"] * loss["protocol"]["tokens"] / log(2) for loss in losses])
    return {
        "perplexity per token": Number(perplexity, std=spread),
        "bits per clip by the prior": Number(bits, std=of_bits),
    }


def _columns(metrics: Iterable[Mapping[str, Any]]) -> dict[str, Content]:
    """Mean and spread over seeds, each with its records by name."""
    of_seeds = list(metrics)
    return {column: Number.over_seeds(found[name] for found in of_seeds) for column, name in RECORDS.items()}


def scaling_curves(results: Results) -> Figure | None:
    """Frechet distance and validation loss over parameters: every seed a dot, the mean a line. None: no sizes."""
    sizes = by_size(results)
    if not sizes:
        return None
    figure = Figure(figsize=(9, 3.2))
    shown = ("frechet_video/judge", "validation loss (nats per token)")
    parameters = [runs[0].summary["parameters"] for runs in sizes.values()]
    for panel, column, colour in zip(figure.subplots(1, len(shown)), shown, COLOURS, strict=False):
        values = [[run.summary["metrics"][RECORDS[column]]["value"] for run in runs] for runs in sizes.values()]
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
