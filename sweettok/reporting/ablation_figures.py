"""Charts of the ablation: how good each variant is, how sure its difference to the full model is, how it converges."""

from itertools import cycle

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from sweettok.metrics.record import caveat
from sweettok.metrics.registry import higher_is_better, title_of
from sweettok.reporting.ablation import LEARNED_GAIN, difference, over_seeds
from sweettok.reporting.collect import AblationCell, Results
from sweettok.reporting.names import MAIN_METRICS, better_in_words, method_title
from sweettok.reporting.style import COLOURS, GREY, MARKERS

PANELS_A_ROW = 5
DISTANCE = "frechet_video/judge"


def ablation_bars(results: Results) -> Figure | None:
    """Above: every variant's values, bars from zero. Below: its paired difference to the full model. None: not run."""
    variants = results.variants
    if not variants:
        return None
    figure = Figure(figsize=(12, 1.6 + 0.5 * len(variants)))
    above, below = figure.subplots(2, len(MAIN_METRICS), sharey="row", squeeze=False, height_ratios=(1.3, 1))
    for top, bottom, metric in zip(above, below, MAIN_METRICS, strict=True):
        _bars(top, results, metric)
        _differences(bottom, results, metric)
    _name_rows(above[0], variants)
    _name_rows(below[0], variants[1:] if variants[0] == "full" else variants)
    return figure


def _name_rows(panel: Axes, variants: tuple[str, ...]) -> None:
    panel.set_yticks(range(len(variants)), [variant.replace("_", " ") for variant in variants])
    panel.set_ylim(len(variants) - 0.4, -0.6)


def _bars(panel: Axes, results: Results, metric: str) -> None:
    for place, variant in enumerate(results.variants):
        cells = results.of_variant(variant).values()
        values = [_shown(cell, metric) for cell in cells if metric in cell.summary["metrics"]]
        if not values:
            continue
        colour = COLOURS[0] if variant == "full" else COLOURS[4]
        spread = np.std(values, ddof=1) if len(values) > 1 else None
        panel.barh(place, np.mean(values), xerr=spread, height=0.62, color=colour, capsize=3)
        offsets = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else np.zeros(1)
        panel.scatter(values, place + offsets, s=13, color=COLOURS[1], edgecolor="black", linewidth=0.5, zorder=3)
    panel.set_title(f"{'PSNR gain, dB' if metric == 'psnr' else metric} ({better_in_words(metric)})")
    panel.grid(axis="y", visible=False)
    if metric == "psnr":
        panel.axvline(LEARNED_GAIN, color=GREY, linewidth=1, linestyle="--")
        note = f"over the mean colour; below {LEARNED_GAIN} dB (dashed) a comparison says nothing"
        panel.set_xlabel(note, fontsize=7, color=GREY)


def _shown(cell: AblationCell, metric: str) -> float:
    """PSNR has no natural zero, so its bar starts at the mean colour."""
    value = cell.summary["metrics"][metric]["value"]
    return value - cell.summary["mean_colour_psnr"] if metric == "psnr" else value


def _differences(panel: Axes, results: Results, metric: str) -> None:
    for place, variant in enumerate(variant for variant in results.variants if variant != "full"):
        found = difference(results, variant, "full", metric)
        if found is None or found.interval is None:
            continue
        says_nothing = any(map(caveat, over_seeds(results, variant, metric)))
        colour = GREY if says_nothing else _side_colour(found.interval, higher_is_better(metric))
        panel.plot(found.interval, (place, place), color=colour, linewidth=2, solid_capstyle="butt")
        panel.scatter(found.per_seed, [place] * len(found.seeds), s=9, color=colour, alpha=0.6)
        panel.scatter(found.mean, place, s=26, marker="D", color=colour, zorder=3)
    panel.axvline(0, color="black", linewidth=0.9)
    panel.set_title(f"{'PSNR, dB' if metric == 'psnr' else metric}: variant minus full")
    panel.set_xlabel("green: better than full, orange: worse, grey: open", fontsize=7, color=GREY)
    panel.grid(axis="y", visible=False)


def _side_colour(interval: tuple[float, float], higher_is_better: bool) -> str:
    low, high = interval if higher_is_better else (-interval[1], -interval[0])
    return COLOURS[2] if low > 0 else COLOURS[5] if high < 0 else GREY


def ablation_curves(results: Results) -> Figure | None:
    """Validation PSNR over all steps of a cell's trainings, a panel a variant, full model in grey. None: not run."""
    curves: dict[str, list[pandas.DataFrame]] = {}
    for cell in results.cells:
        curve = _validation_psnr(cell.history)
        if curve is not None:
            curves.setdefault(cell.variant, []).append(curve)
    shown = [variant for variant in results.variants if variant in curves and variant != "full"] or list(curves)
    if not shown:
        return None
    rows = -(-len(shown) // PANELS_A_ROW)
    figure = Figure(figsize=(12, 0.6 + 2 * rows))
    panels = figure.subplots(rows, PANELS_A_ROW, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, variant in zip(panels, shown, strict=False):
        for curve in curves.get("full", []):
            panel.plot(curve["step"], curve["psnr"], color="#A8A8A8", linewidth=2.4)
        for curve in curves[variant]:
            panel.plot(curve["step"], curve["psnr"], color=COLOURS[0], linewidth=1, marker=".", markersize=4)
        panel.set_title(variant.replace("_", " "))
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    figure.supylabel("validation PSNR, dB", fontsize=9)
    figure.supxlabel("step, trainings one after the other (grey: full)", fontsize=9)
    return figure


def _validation_psnr(history: pandas.DataFrame | None) -> pandas.DataFrame | None:
    """Columns step, psnr: steps are counted through all of the cell's trainings (cells.train_cell)."""
    if history is None or "psnr" not in history:
        return None
    rows = history[(history["split"] == "val") & history["psnr"].notna()]
    return None if rows.empty else rows[["step", "psnr"]]


def trade_off(results: Results) -> Figure | None:
    """Distance of a prior's samples over the reconstructions of the same tokens, a point a variant. None: fewer than three."""
    cells = [cell for cell in results.cells if "generation" in cell.summary]
    variants = [variant for variant in results.variants if any(cell.variant == variant for cell in cells)]
    if len(variants) < 3:
        return None
    figure = Figure(figsize=(12, 4.6 + 0.2 * (len(variants) // 5)))
    for panel, metric in zip(figure.subplots(1, 2, sharey=True), ("psnr", DISTANCE), strict=True):
        centres = []
        looks = zip(variants, cycle(COLOURS), cycle(MARKERS), strict=False)
        for variant, colour, marker in looks:
            of_variant = [cell.summary for cell in cells if cell.variant == variant]
            pairs = [(one["metrics"][metric], one["generation"]["metrics"][DISTANCE]) for one in of_variant]
            seeds = np.array([[record["value"] for record in pair] for pair in pairs])  # (seeds, 2)
            centres.append(seeds.mean(axis=0))
            panel.scatter(*seeds.T, s=9, color=colour, alpha=0.6)
            panel.scatter(*centres[-1], s=46, color=colour, marker=marker, label=method_title(variant), zorder=3)
        across, up = np.array(centres).T
        correlation = stats.spearmanr(across, up).statistic
        panel.set_title(f"rank correlation over {len(variants)} variants: {correlation:+.2f}")
        panel.set_xlabel(f"reconstructions: {title_of(metric)} ({better_in_words(metric)})")
        panel.set_yscale("log")
        if metric == DISTANCE:
            panel.set_xscale("log")
            ends = min(across), max(across)
            panel.plot(ends, ends, color=GREY, linestyle=":", linewidth=1)
    left = figure.axes[0]
    left.set_ylabel("samples: Frechet distance (lower is better)")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure
