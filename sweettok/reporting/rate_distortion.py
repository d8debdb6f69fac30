"""Rate and distortion: quality against tokens and against bits, beside classical codecs, as a table and as a figure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sweettok.reporting.ablation import HIGHER_IS_BETTER, over_seeds
from sweettok.reporting.cells import NOT_I3D, UNITS, protocol
from sweettok.reporting.collect import Results
from sweettok.reporting.style import COLOURS, GREY
from sweettok.reporting.table import Number, Row, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("psnr", "perceptual/judge", "frechet_video/judge")
# Methods of T1 with a size of their own -> the line they are on, their row
METHODS = {
    "sweettok": ("SweetTok", "SweetTok"),
    "proxy": ("SweetTok* (proxy)", "SweetTok* (proxy, no compression)"),
    "trilinear_bits": ("trilinear", "trilinear, SweetTok's bits"),
    "trilinear_tokens": ("trilinear", "trilinear, SweetTok's tokens"),
}
BUDGET = re.compile(r"(?P<family>.+)_tokens(?P<tokens>\d+)")  # a variant with another number of tokens
MARKERS = "oDs^vPX*"
CODEC_NOTE = (
    "Codecs: mean size over clips, each a stream of its own with its headers, without container and without the encoder's "
    "own notes (SEI); `without headers`: only what carries pictures, without parameter sets, start codes and size fields. "
    "CRF: constant rate factor, higher gives fewer bits. Where a size follows (frames x height x width), the clip was "
    "area-averaged to it before coding and enlarged trilinearly after it, as players do at low rates."
)


@dataclass(frozen=True)
class Point:
    """A method at one size. tokens: None for a codec, which has none; values: metric -> value with its spread."""

    line: str  # points of a line are joined
    label: str
    tokens: int | None
    bits: float
    values: Mapping[str, Number]
    protocol: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bare_bits: float | None = None  # without headers, of a codec


def points(results: Results) -> tuple[Point, ...]:
    """The main model, the proxy, trilinear grids, the codecs, and the ablation's variants over token budgets."""
    return (*_methods(results), *_codecs(results), *_variants(results))


def has_curves(results: Results) -> bool:
    """Whether there is a curve to show: what T1 has is single points."""
    return results.codecs is not None or bool(_families(results))


def _methods(results: Results) -> list[Point]:
    methods = (results.reconstruction or {}).get("methods", {})
    found = []
    for name, (line, label) in METHODS.items():
        entry = methods.get(name)
        if entry and entry["bits"] is not None:
            found.append(Point(line, label, entry["tokens"], entry["bits"], *_measured(entry["metrics"])))
    return found


def _codecs(results: Results) -> list[Point]:
    return [
        Point(
            line=point["title"],
            label=point["label"],
            tokens=None,
            bits=point["bits"],
            values=measured[0],
            bare_bits=point["bits_without_headers"],
            protocol=measured[1],
        )
        for point in (results.codecs or {}).get("points", [])
        for measured in [_measured(point["metrics"])]
    ]


def _measured(records: Mapping[str, Any]) -> tuple[dict[str, Number], dict[str, tuple[str, ...]]]:
    known = {metric: records[metric] for metric in METRICS if metric in records}
    made = protocol({UNITS[metric]: record for metric, record in known.items()})
    return {metric: Number.of(record) for metric, record in known.items()}, made


def _families(results: Results) -> dict[str, list[str]]:
    """Family -> its variants, of those that have one with a budget in its name: full, full_tokens20, full_tokens160."""
    named = [BUDGET.fullmatch(variant) for variant in results.variants]
    names = sorted({match["family"] for match in named if match}, key=lambda name: (name != "full", name))
    family_of = {
        variant: match["family"] if match else variant for variant, match in zip(results.variants, named, strict=True)
    }
    return {name: [variant for variant, family in family_of.items() if family == name] for name in names}


def _variants(results: Results) -> list[Point]:
    found = []
    for family, variants in _families(results).items():
        of_family = []
        for variant in variants:
            cells = results.of_variant(variant)
            summary = next(iter(cells.values())).summary
            spread = {metric: over_seeds(results, variant, metric) for metric in METRICS}
            values = {metric: Number(known[0], std=known[1]) for metric, known in spread.items() if known}
            records = {metric: {**summary["metrics"][metric], "seed": None} for metric in values}  # seeds: in the label
            seeds = f"{len(cells)} seed{'s' if len(cells) > 1 else ''}"
            name = family.replace("_", " ")
            label = f"ablation {name}, {summary['tokens']} tokens ({seeds})"
            made = _measured(records)[1]
            point = Point(f"ablation {name}", label, summary["tokens"], summary["bits"], values, protocol=made)
            of_family.append(point)
        found += sorted(of_family, key=lambda point: point.bits)
    return found


def rate_distortion_tables(results: Results, setting: str) -> tuple[Table, ...]:
    """The table rate_distortion, one row a method at one size; nothing where neither codecs nor budgets have run."""
    if not has_curves(results):
        return ()
    rows = []
    for point in points(results):
        cells: dict[str, Number | str] = {"tokens": Number(point.tokens), "bits": Number(float(point.bits))}
        if point.bare_bits is not None:
            cells["bits without headers"] = Number(float(point.bare_bits))
        cells |= {UNITS[metric]: value for metric, value in point.values.items()}
        rows.append(Row(point.label, {}, cells, point.protocol))
    return (
        Table(
            identity="rate_distortion",
            title="quality against tokens and bits a clip, beside classical codecs (not in the paper)",
            published_columns=(),
            our_columns=("tokens", "bits", "bits without headers", *(UNITS[metric] for metric in METRICS)),
            rows=tuple(rows),
            setting=setting,
            notes=(NOT_I3D, *_notes(results)),
        ),
    )


def _notes(results: Results) -> list[str]:
    notes = ["Bits of tokenizers: log2 of the addressable words, summed; the networks' weights are not counted."]
    codecs = {point["title"]: point for point in (results.codecs or {}).get("points", [])}
    for title, point in codecs.items():
        settings = ", ".join(f"{key} {value}" for key, value in point["settings"].items())
        notes.append(f"{title}: {point['encoder']}, {point['pixel_format']}, {settings}, one thread.")
    if codecs:
        notes.append(CODEC_NOTE)
    if _families(results):
        notes.append("Ablation: mean ± standard deviation over seeds, of the ablation's own, shorter schedule.")
    return notes


def rate_distortion(results: Results) -> "Figure | None":
    """One row a metric; left over tokens, right over bits (both logarithmic). None where there is no curve to show."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    if not has_curves(results):
        return None
    shown = points(results)
    looks = {
        line: (COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]) for place, line in enumerate(_lines(shown))
    }
    floor = (results.reconstruction or {}).get("methods", {}).get("mean_colour", {}).get("metrics", {})
    figure = Figure(figsize=(12, 10.5))
    panels = figure.subplots(len(METRICS), 2, sharex="col", sharey="row")
    for (over_tokens, over_bits), metric in zip(panels, METRICS, strict=True):
        for panel, axis in ((over_tokens, "tokens"), (over_bits, "bits")):
            _curves(panel, shown, axis, metric, looks)
            if metric in floor:
                panel.axhline(floor[metric]["value"], color=GREY, linestyle="-.", linewidth=1, label="mean colour")
            panel.set_xscale("log")
        if metric.startswith("frechet"):
            over_tokens.set_yscale("log")  # distances of several magnitudes
        better = "higher" if HIGHER_IS_BETTER[metric] else "lower"
        over_tokens.set_title(f"{UNITS[metric]} ({better} is better)")
    for panel, axis in zip(panels[-1], ("tokens a clip", "bits a clip"), strict=True):
        panel.set_xlabel(f"{axis} (logarithmic)")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.xaxis.set_minor_formatter(NullFormatter())
    handles, labels = panels[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _lines(shown: tuple[Point, ...]) -> list[str]:
    return list(dict.fromkeys(point.line for point in shown))


def _curves(
    panel: "Axes", shown: tuple[Point, ...], axis: str, metric: str, looks: Mapping[str, tuple[str, str]]
) -> None:
    """Join the points of each line. axis: "tokens" or "bits"; looks: line -> colour, marker."""
    for line in _lines(shown):
        of_line = [point for point in shown if point.line == line and metric in point.values]
        of_line = sorted((point for point in of_line if getattr(point, axis) is not None), key=lambda point: point.bits)
        if not of_line:
            continue
        colour, marker = looks[line]
        sizes = [getattr(point, axis) for point in of_line]
        values = [point.values[metric] for point in of_line]
        panel.errorbar(
            sizes, _centres(values), _whiskers(values), label=line, color=colour, marker=marker,
            linestyle="--" if line.startswith("ablation") else "-", capsize=2, elinewidth=1,
        )  # fmt: skip
        bare = [point.bare_bits for point in of_line]
        if axis == "bits" and None not in bare:
            panel.plot(np.array(bare, float), _centres(values), color=colour, linestyle=":", linewidth=1)


def _centres(values: list[Number]) -> np.ndarray:
    return np.array([value.value for value in values], float)


def _whiskers(values: list[Number]) -> np.ndarray:
    """(2, n), below and above each value: its interval, else its standard deviation, else nothing."""
    spread = np.array([value.std or 0.0 for value in values])
    whiskers = np.stack([spread, spread])
    for place, value in enumerate(values):
        if value.interval and value.value is not None:
            whiskers[:, place] = value.value - value.interval[0], value.interval[1] - value.value
    return whiskers.clip(min=0)
