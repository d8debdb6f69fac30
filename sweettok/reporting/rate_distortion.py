"""Rate and distortion: quality against tokens and against bits, beside classical codecs, as a table and as a figure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from sweettok.metrics.registry import title_of
from sweettok.reporting.ablation import over_seeds
from sweettok.reporting.collect import Results
from sweettok.reporting.names import MAIN_METRICS, better_in_words, method_title
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.style import COLOURS, GREY
from sweettok.reporting.table import Content, Number, Row, Table

LINES = {"trilinear_bits": "trilinear", "trilinear_tokens": "trilinear"}  # methods that are points of one line
BUDGET = re.compile(r"(?P<family>.+)_tokens(?P<tokens>\d+)")  # a variant with another number of tokens
MARKERS = "oDs^vPX*"


@dataclass(frozen=True)
class Point:
    """A method at one size. tokens: None for a codec, which has none; values: metric -> value with its spread."""

    line: str  # points of a line are joined
    label: str
    tokens: int | None
    bits: float
    values: Mapping[str, Number]
    bare_bits: float | None = None  # without headers, of a codec


def points(results: Results) -> tuple[Point, ...]:
    """The methods of a known size, the codecs, and the ablation's variants over token budgets."""
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
    return (*methods, *codecs, *_variants(results))


def has_curves(results: Results) -> bool:
    """Whether there is a curve to show: what T1 has is single points."""
    return results.codecs is not None or bool(_families(results))


def _codecs(results: Results) -> list[dict[str, Any]]:
    return (results.codecs or {}).get("points", [])


def _values(entry: Mapping[str, Any]) -> dict[str, Number]:
    return {metric: Number.of(entry["metrics"][metric]) for metric in MAIN_METRICS if metric in entry["metrics"]}


def _families(results: Results) -> dict[str, list[str]]:
    """Family -> its variants, of those that have one with a budget in its name: full, full_tokens20, full_tokens160."""
    families: dict[str, list[str]] = {}
    for variant in results.variants:  # the full model first
        match = BUDGET.fullmatch(variant)
        families.setdefault(match["family"] if match else variant, []).append(variant)
    return {name: variants for name, variants in families.items() if variants != [name]}


def _variants(results: Results) -> list[Point]:
    found = []
    for family, variants in _families(results).items():
        line = f"ablation {method_title(family)}"
        of_family = []
        for variant in variants:
            runs = results.of_variant(variant)
            summary = next(iter(runs.values())).summary
            label = f"{line}, {summary['tokens']} tokens ({len(runs)} seed{'s' if len(runs) > 1 else ''})"
            records = {metric: over_seeds(results, variant, metric) for metric in MAIN_METRICS}
            values = {metric: Number.over_seeds(of_seeds) for metric, of_seeds in records.items() if of_seeds}
            of_family.append(Point(line, label, summary["tokens"], summary["bits"], values))
        found += sorted(of_family, key=lambda point: point.bits)
    return found


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
    also = (["codecs"] if codecs else []) + (["budgets"] if _families(results) else [])
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
    for point in points(results):
        lines.setdefault(point.line, []).append(point)
    floor = results.methods.get("mean_colour", {}).get("metrics", {})
    figure = Figure(figsize=(12, 10.5))
    panels = figure.subplots(len(MAIN_METRICS), 2, sharex="col", sharey="row")
    for (over_tokens, over_bits), metric in zip(panels, MAIN_METRICS, strict=True):
        for panel, axis in ((over_tokens, "tokens"), (over_bits, "bits")):
            for line, colour, marker in zip(lines, cycle(COLOURS), cycle(MARKERS), strict=False):
                shown = [point for point in lines[line] if metric in point.values and getattr(point, axis) is not None]
                _curve(panel, sorted(shown, key=lambda point: point.bits), axis, metric, color=colour, marker=marker)
            if metric in floor:
                panel.axhline(floor[metric]["value"], color=GREY, linestyle="-.", linewidth=1, label="mean colour")
            panel.set_xscale("log")
        if metric.startswith("frechet"):
            over_tokens.set_yscale("log")  # distances of several magnitudes
        over_tokens.set_title(f"{title_of(metric)} ({better_in_words(metric)})")
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
