"""Ablation cells compared: metrics over seeds, and differences paired by seed and clip."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sweettok.errors import InputError
from sweettok.metrics.registry import metric_of
from sweettok.reporting.collect import AblationCell, Results
from sweettok.reporting.paired import PairedDifference, paired_difference

LEARNED_GAIN = 1.5  # dB PSNR over the mean colour; a cell below it has not learned and its comparison says nothing


def over_seeds(results: Results, variant: str, metric: str) -> list[dict[str, Any]]:
    """The records of a metric, one a seed that measured it."""
    summaries = [cell.summary["metrics"] for cell in results.of_variant(variant).values()]
    return [metrics[metric] for metrics in summaries if metric in metrics]


def gain_over_mean_colour(results: Results, variant: str) -> float | None:
    """The smallest PSNR gain over the mean colour, in dB, among a variant's seeds; None where nothing has run."""
    cells = results.of_variant(variant).values()
    gains = [cell.summary["metrics"]["psnr"]["value"] - cell.summary["mean_colour_psnr"] for cell in cells]
    return min(gains) if gains else None


def has_learned(results: Results, variant: str) -> bool:
    """Whether every seed of a variant beats the mean colour by `LEARNED_GAIN`."""
    gain = gain_over_mean_colour(results, variant)
    return gain is not None and gain >= LEARNED_GAIN


def difference(results: Results, variant: str, reference: str, metric: str) -> PairedDifference | None:
    """variant - reference, paired over the seeds and clips that both have; None where they share no seed.

    Raises InputError where their test clips differ.
    """
    ours, theirs = (
        {seed: cell for seed, cell in results.of_variant(name).items() if metric in cell.summary["metrics"]}
        for name in (variant, reference)
    )
    seeds = sorted(set(ours) & set(theirs))
    if not seeds:
        return None
    values = _values([cells[seed] for cells in (ours, theirs) for seed in seeds], metric)  # (2 S, C)
    return paired_difference(values[: len(seeds)], values[len(seeds) :], seeds)


def _values(cells: Sequence[AblationCell], metric: str) -> np.ndarray:
    """(cells, clips), clips in one order; (cells, 1) for a metric that has no value per clip."""
    known = metric_of(metric)
    if known is None or known.compares != "pairs":
        return np.array([[cell.summary["metrics"][metric]["value"]] for cell in cells])
    tables = [cell.per_clip.sort_values("clip", ignore_index=True) for cell in cells]
    for cell, table in zip(cells, tables, strict=True):
        if list(table["clip"]) != list(tables[0]["clip"]):
            first, other = (f"{one.variant}-{one.seed}" for one in (cells[0], cell))
            raise InputError(f"{first} and {other} were measured on different clips; run `dvc repro ablation`")
    return np.stack([table[known.per_clip].to_numpy(dtype=float) for table in tables])
