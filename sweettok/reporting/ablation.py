"""Ablation cells compared: metrics over seeds, and differences paired by seed and clip."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sweettok.errors import InputError
from sweettok.metrics.record import caveat
from sweettok.metrics.registry import higher_is_better, metric_of
from sweettok.metrics.statistics import paired_difference
from sweettok.reporting.collect import AblationCell, Results
from sweettok.reporting.over_seeds import LEVEL, hedges_g, student_interval, student_p_value
from sweettok.reporting.rules.ruling import Effect, side_of

LEARNED_GAIN = 1.5  # dB PSNR over the mean colour; a cell below it has not learned and its comparison says nothing
RESAMPLES, SEED = 2000, 0


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


def difference(results: Results, variant: str, reference: str, metric: str) -> Effect | None:
    """variant - reference, paired over the seeds and clips that both have; None where they share no seed.

    The interval is the hull of two: the bootstrap over seeds and clips, and Student's t over the seeds' means. With three
    seeds a bootstrap reaches hardly beyond their range, so that alone it would decide too often. Below two seeds, which
    leave nothing to vary over, the side is open, and so it is where a value says nothing. Raises InputError where their test clips differ.
    """
    ours, theirs = (
        {seed: cell for seed, cell in results.of_variant(name).items() if metric in cell.summary["metrics"]}
        for name in (variant, reference)
    )
    seeds = sorted(set(ours) & set(theirs))
    if not seeds:
        return None
    values = _values([cells[seed] for cells in (ours, theirs) for seed in seeds], metric)  # (2 S, C)
    a, b = values[: len(seeds)], values[len(seeds) :]
    paired = paired_difference(a, b, resamples=RESAMPLES, seed=SEED, level=LEVEL)
    student = student_interval(paired.per_seed)
    (low, high), (low_of_t, high_of_t) = paired.interval, student or paired.interval
    interval, effect_size = (min(low, low_of_t), max(high, high_of_t)), hedges_g(paired.per_seed)
    details = {
        "variant": variant,
        "reference": reference,
        "metric": metric,
        "mean": paired.mean,
        "interval": interval,
        "bootstrap_interval": paired.interval,
        "student_interval": student,
        "seeds": tuple(seeds),
        "per_seed": paired.per_seed,
        "clips": a.shape[1],
        "effect_size": effect_size,
        "level": LEVEL,
        "resamples": RESAMPLES,
        "bootstrap_seed": SEED,
    }
    is_void = any(caveat(cells[seed].summary["metrics"][metric]) for cells in (ours, theirs) for seed in seeds)
    side = side_of(interval) * (1 if higher_is_better(metric) else -1) if student and not is_void else 0
    p_value = student_p_value(paired.per_seed)
    return Effect(paired.mean, interval, side, effect_size, p_value, len(seeds), details=details)


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
