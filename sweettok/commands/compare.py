"""`sweettok compare`: ablation variants side by side, from MLflow; or the verdicts of reports."""

import argparse
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.commands.arguments import add_json
from sweettok.commands.compare_reports import across_in_words, across_reports, changed_verdicts, in_words, report_file
from sweettok.errors import InputError
from sweettok.metrics.registry import METRICS, metric_of

if TYPE_CHECKING:
    import pandas

    from sweettok.reporting.paired import PairedDifference

SHOWN = [
    metric.name for metric in METRICS if metric.kind == "video" and metric.compares != "samples" and not metric.networks
]


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    compare = commands.add_parser(
        "compare",
        help="compare ablation variants (their newest runs in MLflow), or reports",
        description="For variants: mean and standard deviation over seeds of every metric and, of those named after the first, "
        "the difference to the first, paired by seed and clip, with the report's 95 % interval. Of two reports: every verdict that changed; exit status 1 where one supports what the "
        "other contradicts. Of more reports: a table of their verdicts, in Markdown, and why those that differ from the paper's may "
        "do so: for which of data, scale and method a report excludes it.",
    )
    compare.add_argument(
        "names", nargs="*", metavar="VARIANT|REPORT",
        help="variants in this order, minus the first (default: all); or reports, each its claims.json or its folder",
    )  # fmt: skip
    compare.add_argument("--metric", action="append", help=f"what to show (repeatable; default: {', '.join(SHOWN)})")
    add_json(compare)
    compare.set_defaults(run=_compare)


def _compare(chosen: argparse.Namespace) -> int:
    reports = [file for name in chosen.names if (file := report_file(name))]
    if not reports:
        _compare_variants(chosen)
        return 0
    if len(reports) < 2 or len(reports) != len(chosen.names):
        raise InputError("name two or more reports, or variants alone")
    if len(reports) > 2:
        print(_across(dict(zip(chosen.names, reports, strict=True)), chosen.json))
        return 0
    compared = changed_verdicts(*reports)
    print(json.dumps(compared, indent=1) if chosen.json else in_words(compared))
    return int(any(one["contradiction"] for one in compared["changed"]))


def _across(reports: dict[str, Path], as_json: bool) -> str:
    from sweettok.reporting.reasons import reasons, reasons_in_words, setting_of

    settings = {name: setting_of(file.with_name("results.json")) for name, file in reports.items()}
    rows = across_reports(reports)
    for row in rows:
        row["reasons"] = reasons({name: side["verdict"] for name, side in row["reports"].items()}, settings)
    if as_json:
        return json.dumps(rows, indent=1)
    return "\n\n".join(filter(None, (across_in_words(rows, list(reports)), reasons_in_words(rows))))


def _compare_variants(chosen: argparse.Namespace) -> None:
    from sweettok.tracking import comparison

    runs = _chosen_runs(comparison(), chosen.names)
    metrics = chosen.metric or SHOWN
    if unknown := [name for name in metrics if name not in runs]:
        raise InputError(f"unknown metric {', '.join(unknown)}; choose from {', '.join(map(str, runs.columns[5:]))}")
    rows = compared(runs, metrics, chosen.names)
    if chosen.json:
        columns = ["profile", "variant", "seed", "run_id", *metrics]
        listed = json.loads(runs[columns].to_json(orient="records"))
        print(json.dumps({"runs": listed, "compared": rows}, indent=1))
    else:
        print(_as_text(rows))


def _chosen_runs(runs: "pandas.DataFrame", variants: list[str]) -> "pandas.DataFrame":
    """The runs of these variants (none: all). Raises InputError where one has no finished run."""
    if runs.empty:
        raise InputError("MLflow has no finished ablation run; run `dvc repro`")
    known = sorted(set(runs["variant"]))
    if unknown := [name for name in variants if name not in known]:
        raise InputError(f"MLflow has no finished run of {', '.join(unknown)}; known variants: {', '.join(known)}")
    if twice := sorted({name for name in variants if variants.count(name) > 1}):
        raise InputError(f"{', '.join(twice)} named twice; name each variant once")
    return runs[runs["variant"].isin(variants)] if variants else runs


def compared(runs: "pandas.DataFrame", metrics: list[str], variants: list[str]) -> list[dict[str, Any]]:
    """A row for each profile, metric and variant: mean, std (None for one seed), seeds, and `difference`.

    runs        as `sweettok.tracking.comparison` has them
    variants    their order; empty: alphabetical, without differences
    difference  to variants[0] over the seeds that both have: its name as `reference`, and what
                sweettok.reporting.paired says; None for the first itself, and where the two share no seed
    """
    from sweettok.metrics.statistics import mean_and_std

    rows = []
    for profile, of_profile in runs.groupby("profile"):
        for metric in metrics:
            measured = of_profile.dropna(subset=[metric])
            of_variants = {variant: found.set_index("seed") for variant, found in measured.groupby("variant")}
            for variant in variants or sorted(of_variants):
                if (found := of_variants.get(variant)) is None:
                    continue
                mean, std = mean_and_std(found[metric].tolist())
                row = {"profile": profile, "metric": metric, "variant": variant, "mean": mean, "std": std}
                first = of_variants.get(variants[0]) if variants and variant != variants[0] else None
                paired = None if first is None else _difference(found, first, metric)
                difference = {"reference": variants[0]} | paired.as_json() if paired else None
                rows.append({**row, "seeds": sorted(map(int, found.index)), "difference": difference})
    return rows


def _difference(runs: "pandas.DataFrame", reference: "pandas.DataFrame", metric: str) -> "PairedDifference | None":
    """Over the seeds (the index) that both have, and over clips where every run kept its values; None without such a seed.

    Raises InputError where two runs were measured on different clips.
    """
    from sweettok.reporting.paired import difference_over_seeds, paired_difference

    seeds = sorted(set(runs.index) & set(reference.index), key=int)
    if not seeds:
        return None
    kept = [of.loc[seed] for of in (runs, reference) for seed in seeds]
    values = [found for run in kept if (found := _per_clip(run["run_id"], metric)) is not None]
    if len(values) < len(kept):
        return difference_over_seeds({int(seed): runs[metric][seed] - reference[metric][seed] for seed in seeds})
    if any(not found.index.equals(values[0].index) for found in values):
        raise InputError(f"{kept[0]['run']} and other runs were measured on different clips; run `dvc repro ablation`")
    a, b = values[: len(seeds)], values[len(seeds) :]
    return paired_difference(a, b, [int(seed) for seed in seeds])


def _per_clip(run_id: str, metric: str) -> "pandas.Series | None":
    """A run's values of the metric by clip; None where it has none."""
    known = metric_of(metric)
    if known is None or known.compares != "pairs" or (table := _clip_table(run_id)) is None:
        return None
    return table[known.per_clip]


@cache
def _clip_table(run_id: str) -> "pandas.DataFrame | None":
    """The table by clip that a run kept, read once for all metrics."""
    import pandas

    from sweettok.tracking import artifact_of

    file = artifact_of(run_id, "per_clip.csv")
    return None if file is None else pandas.read_csv(file).set_index("clip").sort_index()


def _as_text(rows: list[dict[str, Any]]) -> str:
    """One table a profile and metric, the variants as lines."""
    import pandas

    table = pandas.DataFrame([_line(row) for row in rows])
    blocks = []
    for (profile, metric), found in table.groupby(["profile", "metric"], sort=False):
        shown = found.drop(columns=["profile", "metric"])
        if not found["minus the first"].any():
            shown = shown.drop(columns=["minus the first", "95 % interval"])
        blocks.append(f"{metric} (profile {profile})\n{shown.to_string(index=False)}")
    return "\n\n".join(blocks)


def _line(row: dict[str, Any]) -> dict[str, str]:
    difference = row["difference"] or {"mean": None, "interval": None}
    interval = difference["interval"]
    return {
        "profile": row["profile"],
        "metric": row["metric"],
        "variant": row["variant"],
        "mean": _number(row["mean"]),
        "std": _number(row["std"]),
        "seeds": str(len(row["seeds"])),
        "minus the first": _number(difference["mean"]),
        "95 % interval": f"[{_number(interval[0])}, {_number(interval[1])}]" if interval else "",
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
