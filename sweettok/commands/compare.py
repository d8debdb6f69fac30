"""`sweettok compare`: ablation variants side by side, from MLflow."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sweettok.commands.arguments import add_json
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
        help="ablation variants side by side, newest runs in MLflow",
        description="Mean and standard deviation over seeds of every metric and, of the variants named after the first, the "
        "difference to the first: paired over seeds, Student's t 95 % interval, Hedges' g.",
    )
    compare.add_argument("variants", nargs="*", metavar="VARIANT", help="in this order, minus the first (default: all)")
    compare.add_argument("--metric", action="append", help=f"what to show (repeatable; default: {', '.join(SHOWN)})")
    add_json(compare)
    compare.set_defaults(run=_compare)


def _compare(chosen: argparse.Namespace) -> None:
    from sweettok.tracking import comparison

    runs = _chosen_runs(comparison(), chosen.variants)
    metrics = chosen.metric or SHOWN
    if unknown := [name for name in metrics if name not in runs]:
        raise InputError(f"no metric {', '.join(unknown)}; known: {', '.join(map(str, runs.columns[5:]))}")
    rows = compared(runs, metrics, chosen.variants)
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
    difference  {reference, mean, interval, effect_size, per_seed} to variants[0] over the seeds that both have, see
                sweettok.reporting.over_seeds; None for the first itself, and where the two share no seed
    """
    from sweettok.metrics.statistics import mean_and_std
    from sweettok.reporting.over_seeds import over_seeds_of

    rows = []
    for profile, of_profile in runs.groupby("profile"):
        for metric in metrics:
            values = {
                variant: found.set_index("seed")[metric].dropna().to_dict()
                for variant, found in of_profile.groupby("variant")
            }
            for variant in variants or sorted(values):
                if not (per_seed := values.get(variant)):
                    continue
                mean, std = mean_and_std(list(per_seed.values()))
                row = {"profile": profile, "metric": metric, "variant": variant, "mean": mean, "std": std}
                reference = values.get(variants[0], {}) if variants and variant != variants[0] else {}
                paired = {seed: value - reference[seed] for seed, value in per_seed.items() if seed in reference}
                difference = {"reference": variants[0], **asdict(over_seeds_of(paired))} if paired else None
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
            shown = shown.drop(columns=["minus the first", "95 % interval", "g"])
        blocks.append(f"{metric} (profile {profile})\n{shown.to_string(index=False)}")
    return "\n\n".join(blocks)


def _line(row: dict[str, Any]) -> dict[str, str]:
    difference = row["difference"] or {"mean": None, "interval": None, "effect_size": None}
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
        "g": "" if difference["effect_size"] is None else f"{difference['effect_size']:.2f}",
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
