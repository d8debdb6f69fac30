"""`make bench`: pytest-benchmark's JSON -> results.json, README.md and figures under reports/bench/.

Called as `python -m sweettok.reporting.bench INPUT.json FOLDER`. What a benchmark measured stands in its `extra_info`
(tests/bench/conftest.py): what, size, items and unit of a call, peak memory, operations, and the scaling curve it is on.
"""

import math
import sys
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweettok.errors import InputError
from sweettok.reporting.bench_goals import goals, side_by_side
from sweettok.reporting.style import COLOURS, GREY, save_png, shared_style
from sweettok.storage import read_json, write_json

PARTS = Path(__file__).parent / "web"
CURVES = {  # title -> what x is, the curves
    "clip length": ("frames", ("clip length, in one go", "clip length, windows")),
    "resolution": ("pixels a side", ("resolution",)),
    "vocabulary": ("words", ("vocabulary",)),
    "batch": ("clips", ("batch",)),
    "sampling": ("tokens", ("sampling, cache", "sampling, no cache")),
}


@dataclass(frozen=True)
class Bench:
    """machine: facts of where it ran; rows: one a benchmark (mean and stddev in s, and its extra_info); quality: rows of
    `psnr_by_length` of tests/bench, empty where no trained model was there."""

    machine: dict[str, Any]
    rows: list[dict[str, Any]]
    quality: list[dict[str, float]]
    quality_of: dict[str, Any]

    @property
    def ceilings(self) -> dict[str, float]:
        """Number type ("fp32", "bf16") -> matrix products on this machine in the same run, in 10^9 operations a second."""
        products = [row for row in self.rows if row["what"].startswith("matmul")]
        return {row.get("dtype", "fp32"): row["gflop"] / row["mean"] for row in products}

    def share(self, row: dict[str, Any]) -> str:
        """A row's operations a second over the ceiling of its number type, in words."""
        ceiling = self.ceilings.get(row.get("dtype", "fp32"))
        return f"{row['gflop'] / row['mean'] / ceiling:.0%}" if "gflop" in row and ceiling else "-"

    @property
    def ways(self) -> dict[str, str]:
        """How long clips were reconstructed -> its key in `quality`."""
        return {"in one go": "one_go"} | {
            f"windows, overlap {n}": f"overlap_{n}" for n in self.quality_of.get("overlaps", ())
        }

    @property
    def exponents(self) -> dict[str, dict[str, float]]:
        """Curve -> exponents of time and of peak memory, of curves with at least two points."""
        found = {}
        for name in (name for _, names in CURVES.values() for name in names):
            points = self.curve(name)
            if len(points) < 2:
                continue
            found[name] = {"time": fitted_exponent([(p["x"], p["mean"]) for p in points])}
            if all(p.get("peak_mb", 0) > 0 for p in points):
                found[name]["memory"] = fitted_exponent([(p["x"], p["peak_mb"]) for p in points])
        return found

    def curve(self, name: str) -> list[dict[str, Any]]:
        """The points of a scaling curve by x."""
        return sorted((row for row in self.rows if row.get("curve") == name), key=lambda row: row["x"])


def read_benchmarks(path: str | Path) -> Bench:
    """Read what `pytest --benchmark-json` wrote. Raises InputError where it is absent or something else."""
    content = read_json(Path(path), "make bench")
    try:
        info = content["machine_info"]
        cpu = info.get("cpu", {}).get("brand_raw") or info.get("processor") or info.get("machine", "")
        machine = {"cpu": cpu, "system": info["system"], "python": info["python_version"], **info["sweettok"]}
        measured = [(entry["extra_info"], entry["stats"]) for entry in content["benchmarks"]]
        rows = [
            {key: value for key, value in extra.items() if value is not None}
            | {"mean": stats["mean"], "stddev": stats["stddev"], "rounds": stats["rounds"]}
            for extra, stats in measured
            if "what" in extra
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no result of `make bench` (no {error}); run it again") from error
    of_length: dict = next((extra for extra, _ in measured if "quality" in extra), {})
    about = {key: of_length[key] for key in ("overlaps", "clips", "built_for") if key in of_length}
    return Bench(machine, rows, of_length.get("quality", []), about)


def fitted_exponent(points: list[tuple[float, float]]) -> float:
    """The p of y = c x^p that fits (x, y) best in logarithms (least squares). Raises ValueError for fewer than two x."""
    if len({x for x, _ in points}) < 2:
        raise ValueError(f"expected at least two different x, got {[x for x, _ in points]}")
    x, y = np.log(np.asarray(points, dtype=float)).T
    return float(np.polyfit(x, y, 1)[0])


def write_report(bench: Bench, folder: str | Path) -> None:
    """results.json, README.md, speed.png and scaling.png (and quality.png where measured) into `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    measured = {"matmul_gflop_per_s": bench.ceilings, "exponents": bench.exponents}
    write_json(folder / "results.json", vars(bench) | measured)
    figures = {"speed": speed_figure, "scaling": scaling_figure, "quality": quality_figure}
    drawn = []
    with shared_style():
        for name, draw in figures.items():
            figure = draw(bench)
            if figure:
                save_png(figure, folder / f"{name}.png")
                drawn.append(name)
    (folder / "README.md").write_text(markdown(bench, drawn), encoding="utf-8")


def markdown(bench: Bench, figures: list[str]) -> str:
    """The page, web/bench.md: machine, networks side by side, goals, all that was measured, where the time goes, scaling,
    quality against length."""
    environment = Environment(loader=FileSystemLoader(PARTS), trim_blocks=True, lstrip_blocks=True)
    environment.filters["digits"] = _digits
    text = environment.get_template("bench.md").render(
        vars(bench),
        ceilings=bench.ceilings,
        curve=bench.curve,
        exponents=bench.exponents,
        ways=bench.ways,
        share=bench.share,
        networks=side_by_side(bench.rows),
        goals=goals(bench.rows),
        figures=figures,
    )
    return text.rstrip() + "\n"


def speed_figure(bench: Bench) -> Figure | None:
    """Seconds of a call, one panel a size at which there is something to compare: several calls, or several networks."""
    of_size: dict[str, list[dict[str, Any]]] = {}
    for row in bench.rows:
        if "curve" not in row and row.get("size"):
            of_size.setdefault(row["size"], []).append(row)
    of_size = {size: rows for size, rows in of_size.items() if len({row.get("network", row["what"]) for row in rows}) > 1}
    if not of_size:
        return None
    heights = [len(rows) for rows in of_size.values()]
    figure = Figure(figsize=(8, 0.6 + 0.6 * len(heights) + 0.26 * sum(heights)))
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for panel, (size, rows), colour in zip(panels, of_size.items(), cycle(COLOURS), strict=False):
        seconds = [row["mean"] for row in rows]
        bars = panel.barh([row["what"] for row in rows], seconds, color=colour)
        panel.bar_label(bars, [f" {_digits(mean)} s" for mean in seconds], fontsize=8, color=GREY)
        panel.invert_yaxis()
        panel.set(xscale="log", title=size)
        panel.xaxis.set_minor_formatter("")  # the bars have their numbers
        panel.margins(x=0.15)
        panel.grid(axis="y", visible=False)
    panels[-1].set_xlabel("seconds a call")
    return figure


def scaling_figure(bench: Bench) -> Figure | None:
    """Time (above) and peak memory (below) along each axis, logarithmic, with the fitted exponents."""
    exponents = bench.exponents
    curves = {title: [name for name in names if name in exponents] for title, (_, names) in CURVES.items()}
    shown = {title: names for title, names in curves.items() if names}
    if not shown:
        return None
    figure = Figure(figsize=(3.1 * len(shown), 5.6))
    panels = figure.subplots(2, len(shown), squeeze=False)
    for (above, below), (title, names) in zip(panels.T, shown.items(), strict=True):
        for name, colour in zip(names, COLOURS, strict=False):
            label = name.removeprefix(title).removeprefix(", ")
            _curve(above, bench.curve(name), "mean", colour, label, exponents[name]["time"])
            if "memory" in exponents[name]:
                _curve(below, bench.curve(name), "peak_mb", colour, label, exponents[name]["memory"])
        above.set_title(title)
        below.set_xlabel(CURVES[title][0])
        ticks = sorted({point["x"] for name in names for point in bench.curve(name)})
        for panel in (above, below):
            panel.set_xscale("log")
            panel.set_yscale("log")
            panel.set_xticks(ticks, [str(tick) for tick in ticks], rotation=45)
            panel.minorticks_off()
            if panel.lines:
                panel.legend(title="exponent", title_fontsize=8)
    panels[0, 0].set_ylabel("seconds")
    panels[1, 0].set_ylabel("peak memory (MB)")
    return figure


def _curve(panel: Axes, points: list[dict], key: str, colour: str, label: str, exponent: float) -> None:
    name = f"{label}: {exponent:.2f}" if label else f"{exponent:.2f}"
    panel.plot([p["x"] for p in points], [p[key] for p in points], marker="o", markersize=4, color=colour, label=name)


def quality_figure(bench: Bench) -> Figure | None:
    """PSNR against clip length, in one go and in windows."""
    if not bench.quality:
        return None
    figure = Figure(figsize=(5.5, 3.6))
    panel = figure.subplots()
    frames = [row["frames"] for row in bench.quality]
    for (label, way), colour in zip(bench.ways.items(), COLOURS, strict=False):
        panel.plot(frames, [row[f"psnr_{way}"] for row in bench.quality], marker="o", color=colour, label=label)
    panel.axvline(bench.quality_of["built_for"], color=GREY, linestyle="--", linewidth=0.9)
    panel.set(
        xscale="log", xlabel="frames (dashed: length trained on)", ylabel="PSNR (dB)", title="quality against length"
    )
    panel.set_xticks(frames, [str(count) for count in frames])
    panel.minorticks_off()
    panel.legend()
    return figure


def _digits(value: float | None) -> str:
    """Three significant digits, without exponents: "0.00123", "45.6", "12,300"; "-" for None."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def joined(runs: list[Bench]) -> Bench:
    """Several runs on one machine as one: of a row that was measured again the last one counts.

    Raises InputError where they ran on different machines, or with other numbers of threads.
    """
    first, *others = runs
    differing = {key for run in others for key in run.machine if run.machine[key] != first.machine.get(key)}
    if differing - {"load_before"}:
        raise InputError(f"the runs differ in {', '.join(sorted(differing))}; give runs of one machine")
    rows = {(row["what"], row["size"], row.get("x")): row for run in runs for row in run.rows}
    of_length = next((run for run in reversed(runs) if run.quality), first)
    loads = {"load_before": max(run.machine["load_before"] for run in runs), "runs": len(runs)}
    return Bench(first.machine | loads, list(rows.values()), of_length.quality, of_length.quality_of)


def main(arguments: list[str]) -> None:
    """INPUT.json ... FOLDER; an InputError ends with one line and status 1."""
    if len(arguments) < 2:
        sys.exit("usage: python -m sweettok.reporting.bench INPUT.json [INPUT.json ...] FOLDER")
    *inputs, folder = arguments
    try:
        write_report(joined([read_benchmarks(path) for path in inputs]), folder)
    except InputError as error:
        sys.exit(f"error: {error}")
    print(f"{folder}/README.md")


if __name__ == "__main__":
    main(sys.argv[1:])
