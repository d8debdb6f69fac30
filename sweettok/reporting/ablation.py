"""Ablation cells compared: metrics over seeds, and differences paired by seed and clip."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sweettok.errors import InputError
from sweettok.metrics.statistics import paired_difference
from sweettok.reporting.collect import AblationCell, Results
from sweettok.reporting.names import HIGHER_IS_BETTER
from sweettok.reporting.over_seeds import LEVEL, hedges_g, student_interval

COLUMN_PER_CLIP = {"psnr": "psnr", "ssim": "ssim", "perceptual/judge": "perceptual"}
LEARNED_GAIN = 1.5  # dB PSNR over the mean colour; a cell below it has not learned and its comparison says nothing
RESAMPLES, SEED = 2000, 0


@dataclass(frozen=True)
class Difference:
    """variant - reference in one metric, paired over the seeds (and clips) that both have.

    interval  95 %, the hull of two: the bootstrap over seeds and clips, and Student's t over the seeds' means. With
              three seeds a bootstrap reaches hardly beyond their range, so that alone it would decide too often.
    effect_size  over_seeds.hedges_g of per_seed: None below three seeds
    """

    variant: str
    reference: str
    metric: str
    mean: float
    interval: tuple[float, float]
    bootstrap_interval: tuple[float, float]
    student_interval: tuple[float, float] | None
    seeds: tuple[int, ...]
    per_seed: tuple[float, ...]
    clips: int
    effect_size: float | None

    @property
    def direction(self) -> int:
        """1 where the variant is better than the reference, -1 where it is worse, 0 where that is open.

        Open: the interval includes zero, or there are fewer than two seeds to vary over.
        """
        if self.student_interval is None or self.interval[0] <= 0 <= self.interval[1]:
            return 0
        return 1 if (self.mean > 0) == HIGHER_IS_BETTER[self.metric] else -1

    def as_json(self) -> dict[str, Any]:
        """All of it, for results.json."""
        return {**asdict(self), "level": LEVEL, "resamples": RESAMPLES, "bootstrap_seed": SEED}


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


def difference(results: Results, variant: str, reference: str, metric: str) -> Difference | None:
    """variant - reference; None where they share no seed. Raises InputError where their test clips differ."""
    ours, theirs = results.of_variant(variant), results.of_variant(reference)
    seeds = [
        seed
        for seed in sorted(set(ours) & set(theirs))
        if metric in ours[seed].summary["metrics"] and metric in theirs[seed].summary["metrics"]
    ]
    if not seeds:
        return None
    values = _values([cells[seed] for cells in (ours, theirs) for seed in seeds], metric)  # (2 S, C)
    a, b = values[: len(seeds)], values[len(seeds) :]
    paired = paired_difference(a, b, resamples=RESAMPLES, seed=SEED, level=LEVEL)
    student = student_interval(paired.per_seed)
    low, high = paired.interval
    hull = (low, high) if student is None else (min(low, student[0]), max(high, student[1]))
    return Difference(
        variant=variant,
        reference=reference,
        metric=metric,
        mean=paired.mean,
        interval=hull,
        bootstrap_interval=paired.interval,
        student_interval=student,
        seeds=tuple(seeds),
        per_seed=paired.per_seed,
        clips=a.shape[1],
        effect_size=hedges_g(paired.per_seed),
    )


def _values(cells: Sequence[AblationCell], metric: str) -> np.ndarray:
    """(cells, clips), clips in one order; (cells, 1) for a metric that has no value per clip."""
    column = COLUMN_PER_CLIP.get(metric)
    if column is None:
        return np.array([[cell.summary["metrics"][metric]["value"]] for cell in cells])
    tables = [cell.per_clip.sort_values("clip", ignore_index=True) for cell in cells]
    for cell, table in zip(cells, tables, strict=True):
        if list(table["clip"]) != list(tables[0]["clip"]):
            first, other = (f"{one.variant}-{one.seed}" for one in (cells[0], cell))
            raise InputError(f"{first} and {other} were measured on different clips; run `dvc repro ablation`")
    return np.stack([table[column].to_numpy(dtype=float) for table in tables])
