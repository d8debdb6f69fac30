"""`sweettok compare`: ablation variants side by side, from MLflow; or the verdicts of reports."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from sweettok.commands.arguments import add_json
from sweettok.commands.compare_reports import across_in_words, across_reports, changed_verdicts, in_words, report_file
from sweettok.errors import InputError
from sweettok.metrics.registry import METRICS

if TYPE_CHECKING:
    import pandas

SHOWN = [
    metric.name for metric in METRICS if metric.kind == "video" and metric.compares != "samples" and not metric.networks
]


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    compare = commands.add_parser(
        "compare",
        help="ablation variants side by side, newest runs in MLflow; or reports",
        description="Of variants: mean and standard deviation over seeds of every metric and, of those named after the first, "
        "the difference to the first: paired over seeds, Student's t 95 % interval (the report adds the variance over clips, "
        "which MLflow does not have). Of two reports: every verdict that changed; exit status 1 where one supports what the "
        "other contradicts. Of more reports (other data, other machines): a table of their verdicts, in Markdown.",
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
        rows = across_reports(dict(zip(chosen.names, reports, strict=True)))
        print(json.dumps(rows, indent=1) if chosen.json else across_in_words(rows, list(dict.fromkeys(chosen.names))))
        return 0
    compared = changed_verdicts(*reports)
    print(json.dumps(compared, indent=1) if chosen.json else in_words(compared))
    return int(any(one["contradiction"] for one in compared["changed"]))


def _compare_variants(chosen: argparse.Namespace) -> None:
    from sweettok.tracking import comparison

    runs = _chosen_runs(comparison(), chosen.names)
    metrics = chosen.metric or SHOWN
    if unknown := [name for name in metrics if name not in runs]:
        raise InputError(f"no metric {', '.join(unknown)}; known: {', '.join(map(str, runs.columns[5:]))}")
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
    from sweettok.reporting.paired import difference_over_seeds

    rows = []
    for profile, of_profile in runs.groupby("profile"):
        for metric in metrics:
            values = {
                variant: {int(seed): value for seed, value in found.set_index("seed")[metric].dropna().items()}
                for variant, found in of_profile.groupby("variant")
            }
            for variant in variants or sorted(values):
                if not (per_seed := values.get(variant)):
                    continue
                mean, std = mean_and_std(list(per_seed.values()))
                row = {"profile": profile, "metric": metric, "variant": variant, "mean": mean, "std": std}
                reference = values.get(variants[0], {}) if variants and variant != variants[0] else {}
                paired = {seed: value - reference[seed] for seed, value in per_seed.items() if seed in reference}
                difference = {"reference": variants[0]} | difference_over_seeds(paired).as_json() if paired else None
                rows.append({**row, "seeds": sorted(per_seed), "difference": difference})
    return rows


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
