"""Rate and distortion: quality against tokens and against bits, beside classical codecs, as a table and as a figure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from sweettok.metrics.registry import title_of
from sweettok.metrics.statistics import mean_and_std
from sweettok.reporting.collect import Results
from sweettok.reporting.names import MAIN_METRICS, better_in_words, method_title
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.style import COLOURS, GREY, MARKERS
from sweettok.reporting.table import Content, Number, Row, Table

LINES = {"trilinear_bits": "trilinear", "trilinear_tokens": "trilinear"}  # methods that are points of one line
BUDGET = re.compile(r"(?P<family>.+)_tokens(?P<tokens>\d+)")  # a variant with another number of tokens
RETENTION = "mean factor retention"
SHOWN = (*MAIN_METRICS, RETENTION)


@dataclass(frozen=True)
class Point:
    """A method at one size. tokens: None for a codec, which has none; values: of `SHOWN` those known, with their spread."""

    line: str  # points of a line are joined
    label: str
    tokens: float | None
    bits: float
    values: Mapping[str, Number]
    bare_bits: float | None = None  # without headers, of a codec


def points(results: Results) -> tuple[Point, ...]:
    """The methods of a known size, the codecs, the ablation's variants, and those that work at every length at each."""
    methods = [
        Point(
            LINES.get(name, method_title(name)), method_title(name), method["tokens"], method["bits"], _values(method)
        )
        for name, method in results.methods.items()
        if method["bits"] is not None
    ]
    codecs = [
        Point(point["title"], point["label"], None, point["bits"], _values(point), point["bits_without_headers"])
        for point in _codecs(results)
    ]
    return (*methods, *codecs, *_variants(results), *_lengths(results))


def has_curves(results: Results) -> bool:
    """Whether there is a curve to show: what T1 has is single points."""
    several = any(len(variants) > 1 for variants in _families(results).values())
    return results.codecs is not None or several or any("lengths" in cell.summary for cell in results.cells)


def _codecs(results: Results) -> list[dict[str, Any]]:
    return (results.codecs or {}).get("points", [])


def _values(entry: Mapping[str, Any]) -> dict[str, Number]:
    found = {metric: Number.of(entry["metrics"][metric]) for metric in MAIN_METRICS if metric in entry["metrics"]}
    return found | _retention([entry])


def _over_seeds(entries: Sequence[Mapping[str, Any]]) -> dict[str, Number]:
    records = {
        metric: [entry["metrics"][metric] for entry in entries if metric in entry.get("metrics", {})]
        for metric in MAIN_METRICS
    }
    return {metric: Number.over_seeds(found) for metric, found in records.items() if found} | _retention(entries)


def _retention(entries: Iterable[Mapping[str, Any]]) -> dict[str, Number]:
    """Mean over the factors, and its spread over seeds; empty where no entry has any."""
    kept = [entry["retention"].values() for entry in entries if entry.get("retention")]
    return {RETENTION: _mean([fmean(record["value"] for record in of_entry) for of_entry in kept])} if kept else {}


def _mean(values: Sequence[float]) -> Number:
    mean, std = mean_and_std(values)
    return Number(mean, std=std)


def _families(results: Results) -> dict[str, list[str]]:
    """Family -> its variants, which differ in the budget in their names: full, full_tokens20, full_tokens160."""
    families: dict[str, list[str]] = {}
    for variant in results.variants:  # the full model first
        match = BUDGET.fullmatch(variant)
        families.setdefault(match["family"] if match else variant, []).append(variant)
    return families


def _variants(results: Results) -> list[Point]:
    found = []
    for family, variants in _families(results).items():
        line = f"ablation {method_title(family)}"
        of_family = []
        for variant in variants:
            summaries = [cell.summary for cell in results.of_variant(variant).values()]
            tokens, seeds = summaries[0]["tokens"], len(summaries)
            label = f"{line}, {tokens} tokens ({seeds} seed{'s' if seeds > 1 else ''})"
            of_family.append(Point(line, label, tokens, summaries[0]["bits"], _over_seeds(summaries)))
        found += sorted(of_family, key=lambda point: point.bits)
    return found


def _lengths(results: Results) -> list[Point]:
    """Of variants that work at every length: all clips with so many tokens, then each clip with its own number of them."""
    fixed, chosen = [], []
    for variant in results.variants:
        line = f"ablation {method_title(variant)}"
        curves = [cell.summary.get("lengths") for cell in results.of_variant(variant).values()]
        for rows in zip(*filter(None, curves), strict=True):  # of one length, a row a seed
            tokens, values = rows[0]["tokens"], {"psnr": _mean([row["psnr"] for row in rows])} | _over_seeds(rows)
            label = f"{line}, first {tokens} tokens"
            fixed.append(Point(f"{line}, first tokens", label, tokens, rows[0]["bits"], values))
            if "adaptive_bits" in rows[0]:
                spent, bits = (fmean(row[f"adaptive_{size}"] for row in rows) for size in ("tokens", "bits"))
                values = {"psnr": _mean([row["adaptive_psnr"] for row in rows])}
                label = f"{line}, {tokens} tokens in the mean"
                chosen.append(Point(f"{line}, tokens by clip", label, spent, bits, values))
    return fixed + chosen


def rate_distortion_table(results: Results) -> Table | None:
    """The table rate_distortion, one row a method at one size; None where neither codecs nor budgets have run."""
    if not has_curves(results):
        return None
    rows = []
    for point in points(results):
        ours: dict[str, Content] = {"tokens": Number(point.tokens), "bits": Number(float(point.bits))}
        if point.bare_bits is not None:
            ours["bits without headers"] = Number(float(point.bare_bits))
        rows.append(Row(point.label, ours | {title_of(metric): value for metric, value in point.values.items()}))
    codecs = {point["title"]: point for point in _codecs(results)}
    also = (["codecs"] if codecs else []) + (["ablation"] if results.variants else [])
    first = ("tokens", "bits", "bits without headers")
    notes = [_encoder_note(title, point) for title, point in codecs.items()]
    return declared_table("rate_distortion", rows, results.setting, first=first, also=also, notes=notes)


def _encoder_note(title: str, point: Mapping[str, Any]) -> str:
    settings = ", ".join(f"{key} {value}" for key, value in point["settings"].items())
    return f"{title}: {point['encoder']}, {point['pixel_format']}, {settings}, one thread."


def rate_distortion(results: Results) -> Figure | None:
    """One row a metric; left over tokens, right over bits (both logarithmic). None where there is no curve to show."""
    if not has_curves(results):
        return None
    lines: dict[str, list[Point]] = {}
    every = points(results)
    for point in every:
        lines.setdefault(point.line, []).append(point)
    floor = results.methods.get("mean_colour", {}).get("metrics", {})
    drawn = [metric for metric in SHOWN if any(metric in point.values for point in every)]
    figure = Figure(figsize=(12, 1.5 + 3 * len(drawn)))
    panels = figure.subplots(len(drawn), 2, sharex="col", sharey="row", squeeze=False)
    for (over_tokens, over_bits), metric in zip(panels, drawn, strict=True):
        for panel, axis in ((over_tokens, "tokens"), (over_bits, "bits")):
            for line, colour, marker in zip(lines, cycle(COLOURS), cycle(MARKERS), strict=False):
                shown = [point for point in lines[line] if metric in point.values and getattr(point, axis) is not None]
                _curve(panel, sorted(shown, key=lambda point: point.bits), axis, metric, color=colour, marker=marker)
            if metric in floor:
                panel.axhline(floor[metric]["value"], color=GREY, linestyle="-.", linewidth=1, label="mean colour")
            panel.set_xscale("log")
        if metric.startswith("frechet"):
            over_tokens.set_yscale("log")  # distances of several magnitudes
        better = "higher is better" if metric == RETENTION else better_in_words(metric)
        over_tokens.set_title(f"{title_of(metric)} ({better})")
    for panel, axis in zip(panels[-1], ("tokens per clip", "bits per clip"), strict=True):
        panel.set_xlabel(f"{axis} (logarithmic)")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.xaxis.set_minor_formatter(NullFormatter())
    handles, labels = panels[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _curve(panel: Axes, shown: list[Point], axis: str, metric: str, **look: Any) -> None:
    """Join the points of a line. axis: "tokens" or "bits"."""
    if not shown:
        return
    line, values = shown[0].line, [point.values[metric] for point in shown]
    centres = np.array([value.value for value in values], float)
    dash = "--" if line.startswith("ablation") else "-"
    sizes = [getattr(point, axis) for point in shown]
    panel.errorbar(sizes, centres, _whiskers(values), label=line, linestyle=dash, capsize=2, elinewidth=1, **look)
    bare = [point.bare_bits for point in shown]
    if axis == "bits" and None not in bare:
        panel.plot(np.array(bare, float), centres, color=look["color"], linestyle=":", linewidth=1)


def _whiskers(values: list[Number]) -> np.ndarray:
    """(2, n), below and above each value: its interval, else its standard deviation, else nothing."""
    spread = np.array([value.std or 0.0 for value in values])
    whiskers = np.stack([spread, spread])
    for place, value in enumerate(values):
        if value.interval and value.value is not None:
            whiskers[:, place] = value.value - value.interval[0], value.interval[1] - value.value
    return whiskers.clip(min=0)
