"""All numbers of a run as JSON: each with its record (results.json), and the headline ones flat (metrics.json)."""

import json
import re
from dataclasses import asdict
from statistics import fmean
from typing import Any

from sweettok.metrics.record import flatten_records
from sweettok.metrics.registry import metrics
from sweettok.metrics.statistics import mean_and_std
from sweettok.reporting.ablation import difference, gain_over_mean_colour, has_learned, over_seeds
from sweettok.reporting.claims import Verdict
from sweettok.reporting.collect import Results
from sweettok.reporting.names import MAIN_METRICS
from sweettok.reporting.prior_scaling import by_size
from sweettok.reporting.published import all_published
from sweettok.reporting.semantic_tables import factor_name

NOT_RUN = "not run"
_NUMBERS = re.compile(r'\[\n\s*([^\[\]{}"]*?)\n\s*\]')  # a list of nothing but numbers; strings hold no line breaks


def as_text(numbers: Any) -> str:
    """Indented JSON with a line for each list of numbers, a third of the length. Raises ValueError (NaN, infinity)."""
    text = json.dumps(numbers, indent=1, allow_nan=False)
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def all_numbers(results: Results, found: tuple[Verdict, ...]) -> dict[str, Any]:
    """results.json: published numbers, ours as the stages wrote them, the ablation's statistics, and the verdicts."""
    return {
        "profile": results.profile,
        "data": results.data or NOT_RUN,
        "codebook": _codebook(results),
        "verdicts": [verdict.as_json() for verdict in found],
        "reconstruction": results.reconstruction or NOT_RUN,
        "checkpoints": results.checkpoints,
        "codecs": results.codecs or NOT_RUN,
        "generation": results.generation or NOT_RUN,
        "prior_scaling": _priors(results) or NOT_RUN,
        "semantics": results.semantics or NOT_RUN,
        "ablation": {variant: _variant(results, variant) for variant in results.variants} or NOT_RUN,
        "published": [asdict(row) for row in all_published()],
    }


def _codebook(results: Results) -> dict[str, Any] | str:
    codebook = results.codebook
    if codebook is None:
        return NOT_RUN
    return {"words": codebook.sizes, "captions": codebook.captions, "provider": codebook.provider}


def _priors(results: Results) -> dict[str, dict[str, Any]]:
    """size -> seed -> summary."""
    return {size: {str(run.seed): run.summary for run in runs} for size, runs in by_size(results).items()}


def _variant(results: Results, variant: str) -> dict[str, Any]:
    spread, minus_full = {}, {}
    for metric in metrics():
        if records := over_seeds(results, variant, metric):
            mean, std = mean_and_std([record["value"] for record in records])
            spread[metric] = {"mean": mean, "std": std, "seeds": len(records)}
        paired = difference(results, variant, "full", metric) if variant != "full" else None
        if paired:
            minus_full[metric] = paired.as_json()
    return {
        "over_seeds": spread,
        "minus_full": minus_full,
        "smallest_gain_over_mean_colour_db": gain_over_mean_colour(results, variant),
        "has_learned": has_learned(results, variant),
        "cells": {str(seed): _cell(cell.summary) for seed, cell in results.of_variant(variant).items()},
    }


def _cell(summary: dict[str, Any]) -> dict[str, Any]:
    """Without how often each single word is used: of sixty cells that alone is most of the file."""
    health = summary.get("codebook") or {}
    kept = {
        group: {name: value for name, value in usage.items() if name not in ("counts", "labels")}
        for group, usage in health.items()
    }
    return summary | {"codebook": kept}


def _variant_numbers(results: Results) -> dict[str, float]:
    """The ablation's variants under the names of methods and of generation, means over seeds: `reconstruction.fsq.psnr`.

    A variant called as a method is left out: the name is the method's.
    """
    values: dict[str, list[float]] = {}
    for cell in results.cells:
        if cell.variant in results.methods:
            continue
        summary = cell.summary
        kept = {"retention": summary.get("retention", {})}
        found = {
            "reconstruction": {cell.variant: summary["metrics"] | kept},
            "generation": {cell.variant: summary.get("generation", {}).get("metrics", {})},
        }
        for name, value in flatten_records(found).items():
            values.setdefault(name, []).append(value)
    return {name: fmean(of_seeds) for name, of_seeds in values.items()}


def headline_numbers(results: Results) -> dict[str, float]:
    """metrics.json: `group.name.metric` -> value; what `dvc metrics show` and `dvc metrics diff` print."""
    methods, semantics = results.methods, results.semantics or {}
    numbers = _variant_numbers(results)
    numbers |= flatten_records({"reconstruction": {name: method["metrics"] for name, method in methods.items()}})
    retained = {name: {"retention": method.get("retention", {})} for name, method in methods.items()}
    numbers |= flatten_records({"reconstruction": retained, "judge": (results.reconstruction or {}).get("judge", {})})
    for name, method in methods.items():
        for group, health in (method.get("codebook") or {}).items():
            numbers[f"reconstruction.{name}.usage.{group}"] = health["usage"]
    numbers |= flatten_records({"generation": (results.generation or {}).get("metrics", {})})
    for size, runs in by_size(results).items():
        for metric in ("frechet_video/judge", "loss"):
            numbers[f"prior_scaling.{size}.{metric}"] = fmean(run.summary["metrics"][metric]["value"] for run in runs)
    for variant in results.variants:
        for metric in MAIN_METRICS:
            if records := over_seeds(results, variant, metric):
                numbers[f"ablation.{variant}.{metric}"] = fmean(record["value"] for record in records)
    for entry in semantics.get("few_shot", []):
        name = f"{entry['task']}-{entry['ways']}way-{entry['shots']}shot"
        numbers[f"few_shot.{name}.{entry['representation']}"] = entry["accuracy"]["value"]
    for entry in semantics.get("probes", []):
        numbers[f"probe.{entry['tokens']}.{factor_name(entry)}"] = entry["accuracy"]["value"]
    for entry in semantics.get("probe_differences", []):
        numbers[f"probe.difference.{entry['factor']}"] = entry["difference"]["value"]
    for entry in semantics.get("mutual_information", []):
        numbers[f"mutual_information.{entry['tokens']}.{entry['part_of_speech']}"] = entry["excess"]["value"]
    return numbers
