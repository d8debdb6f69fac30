"""Charts: training curves and words in use. Each function returns None where nothing ran."""

from collections.abc import Sequence

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweettok.reporting.collect import Results
from sweettok.reporting.style import COLOURS, GREY

TRAINING_TITLES = {
    "judge": "judge",
    "proxy": "proxy",
    "spatial": "1. spatial, images",
    "joint": "2. joint, videos",
    "pixels": "3. pixel fine-tuning",
    "generator": "generator",
}
TOP_WORDS = 12


def training_curves(results: Results) -> Figure | None:
    """One row a training, one column a kind of measurement; lines: training steps, dots: validation."""
    if not results.histories:
        return None
    kinds = {
        "loss": lambda name: name == "loss",
        "PSNR, dB": lambda name: name == "psnr",
        "accuracy": lambda name: "accuracy" in name,
        "codebook usage": lambda name: name.startswith("usage"),
    }
    rows = len(results.histories)
    figure = Figure(figsize=(12, 0.5 + 1.9 * rows))
    panels = figure.subplots(rows, len(kinds), squeeze=False)
    for row, (training, history) in zip(panels, results.histories.items(), strict=True):
        for panel, (kind, belongs) in zip(row, kinds.items(), strict=True):
            columns = [name for name in history.columns if belongs(str(name))]
            if not _curves(panel, history, columns):
                panel.set_axis_off()
                continue
            panel.set_title(kind if panel is not row[0] else f"{TRAINING_TITLES[training]}: {kind}")
    figure.supxlabel("step (line: training batch, dots: validation)", fontsize=9)
    return figure


def _curves(panel: Axes, history: pandas.DataFrame, columns: Sequence[str]) -> bool:
    """Draw columns over step; whether there was anything to draw. Of many columns only the validation is shown."""
    many = len(columns) > len(COLOURS) // 2
    for place, column in enumerate(columns):
        colour, dash = COLOURS[place % len(COLOURS)], "-" if place < len(COLOURS) else "--"
        train, val = (history.loc[history["split"] == split, ["step", column]].dropna() for split in ("train", "val"))
        name = column.removeprefix("usage_").removeprefix("accuracy_").replace("_", " ")
        if len(train) and not (many and len(val)):
            label = None if len(val) else name
            panel.plot(*train.to_numpy().T, color=colour, linestyle=dash, label=label, alpha=0.55, linewidth=1.1)
        if len(val):
            panel.plot(*val.to_numpy().T, color=colour, linestyle=dash, label=name, marker="o", markersize=3)
    if not panel.lines:
        return False
    if many:  # beside the panel: the judge, which has many, has no codebook usage to show there
        panel.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), ncols=2, fontsize=7)
    elif len(columns) > 1:
        panel.legend(fontsize=8)
    if columns[0].startswith("usage"):
        panel.set_ylim(0, 1.05)
    return True


def word_usage(results: Results) -> Figure | None:
    """Rank-frequency of the words of each token group of SweetTok on validation clips; the most frequent words named."""
    codebook = results.methods.get("sweettok", {}).get("codebook")
    if not codebook:
        return None
    figure = Figure(figsize=(12, 3.4 * len(codebook)))
    panels = figure.subplots(len(codebook), 2, squeeze=False, width_ratios=(1, 1.3))
    for (curve, bars), (group, health), colour in zip(panels, codebook.items(), COLOURS, strict=False):
        counts = np.asarray(health["counts"], dtype=float)
        order = np.argsort(-counts, kind="stable")
        used = counts[order][counts[order] > 0]
        curve.plot(np.arange(1, len(used) + 1), used, color=colour, drawstyle="steps-mid")
        curve.set(
            xscale="log", yscale="log", xlabel="rank of the word", ylabel="times used", xlim=(0.9, len(counts) * 1.1)
        )
        curve.axvline(len(counts), color=GREY, linestyle="--", linewidth=0.9)
        curve.set_title(
            f"{group}: {health['used']:,} of {health['words']:,} words used ({health['usage']:.0%}), "
            f"perplexity {health['perplexity']:.0f}",
            fontsize=9,
        )
        labels = health.get("labels") or [f"code {index}" for index in range(len(counts))]
        top = order[:TOP_WORDS]
        bars.bar(range(len(top)), counts[top] / max(1.0, counts.sum()), color=colour)
        bars.set_xticks(range(len(top)), [labels[index] for index in top], rotation=35, ha="right")
        bars.yaxis.set_major_formatter("{x:.1%}")
        bars.grid(axis="x", visible=False)
        bars.set_title(f"{group}: share of all tokens, {len(top)} most frequent words", fontsize=9)
    return figure
