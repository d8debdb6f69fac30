"""Whether one curriculum trains more stably than another: collapsed seeds, spread of final PSNR, restless loss."""

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import pandas
from scipy import stats

from sweettok.params.section import Section
from sweettok.reporting.ablation import LEARNED_GAIN
from sweettok.reporting.collect import AblationCell, Results
from sweettok.reporting.over_seeds import LEVEL
from sweettok.reporting.rules.ruling import Effect, Ruling, by_any, decided, few_seeds, not_run, side_of, terms_of

IMAGES = "train_spatial"  # the training of a cell that sees images


@dataclass(frozen=True)
class SeedStability:
    """Of one training. gain: dB over the mean colour at its end; restlessness: see `restlessness`; steps_to_level:
    steps of the first validation at `LEARNED_GAIN` dB above the mean colour, None where there was none."""

    gain: float
    psnr: float
    restlessness: float | None
    steps_to_level: int | None

    @property
    def collapsed(self) -> bool:
        """Whether it has learned less than a comparison needs."""
        return self.gain < LEARNED_GAIN


def seed_stabilities(results: Results, variant: str) -> dict[int, SeedStability]:
    """seed -> stability of a variant's trainings."""
    return {seed: _of_cell(cell) for seed, cell in results.of_variant(variant).items()}


def restlessness(history: pandas.DataFrame) -> float | None:
    """Relative standard deviation of the training loss over the last third of a cell's steps; None where unknown.

    Within each of its trainings: their losses have different scales, so each row counts as a share of its training's
    mean in that third. None below two rows a training.
    """
    train = history[(history["split"] == "train") & history["loss"].notna()]
    late = train[train["step"] > history["step"].max() * 2 / 3]
    trainings = [losses for _, losses in late.groupby("stage")["loss"] if len(losses) > 1]
    if not trainings:
        return None
    squares = sum(float(((losses / losses.mean() - 1) ** 2).sum()) for losses in trainings)
    return (squares / sum(len(losses) - 1 for losses in trainings)) ** 0.5


class Stability(Section):
    """A variant trains more stably than another: fewer collapsed seeds, less spread, or a calmer loss."""

    kind: Literal["stability"]
    variant: str
    reference: str

    def ruling(self, results: Results) -> Ruling:
        """Of the seeds in common."""
        pair = self.variant, self.reference
        ours, theirs = (seed_stabilities(results, variant) for variant in pair)
        shared = sorted(set(ours) & set(theirs))
        if not shared:
            return not_run(pair)
        ours, theirs = ({seed: found[seed] for seed in shared} for found in (ours, theirs))
        effects = {"share of collapsed seeds": _collapses(ours, theirs)}
        if spread := _spread(ours, theirs):
            effects["ratio of PSNR variances"] = spread
        pairs = {seed: (ours[seed].restlessness, theirs[seed].restlessness) for seed in shared}
        restless = {seed: a - b for seed, (a, b) in pairs.items() if a is not None and b is not None}
        if restless:
            effects["relative spread of the loss"] = Effect.over_seeds(restless, higher_is_better=False)
        return decided(effects, by_any, few_seeds(shared), terms_of(results, *pair))


def _of_cell(cell: AblationCell) -> SeedStability:
    psnr, mean_colour = cell.summary["metrics"]["psnr"]["value"], cell.summary["mean_colour_psnr"]
    gain = psnr - mean_colour
    if cell.history is None or cell.history.empty:  # no steps
        return SeedStability(gain, psnr, None, None)
    of_clips = cell.history["stage"] != IMAGES  # that training's PSNR is of images, which are easier than clips
    reached = cell.history[(cell.history["split"] == "val") & of_clips]
    reached = reached[reached["psnr"] >= mean_colour + LEARNED_GAIN] if "psnr" in reached else reached[:0]
    steps = int(reached["step"].min()) if len(reached) else None
    return SeedStability(gain, psnr, restlessness(cell.history), steps)


def _collapses(ours: dict[int, SeedStability], theirs: dict[int, SeedStability]) -> Effect:
    """Difference of shares; a side only where Fisher's exact test on the counts is below 1 - LEVEL."""
    counts = [sum(one.collapsed for one in found.values()) for found in (ours, theirs)]
    seeds = len(ours)
    p_value = float(stats.fisher_exact([[count, seeds - count] for count in counts]).pvalue)
    difference = (counts[0] - counts[1]) / seeds
    side = int(-np.sign(difference)) if p_value < 1 - LEVEL else 0
    return Effect(difference, None, side, details={"collapsed": counts, "seeds": seeds, "fisher_p": p_value})


def _spread(ours: dict[int, SeedStability], theirs: dict[int, SeedStability]) -> Effect | None:
    """Variance of the final PSNR over seeds, ours over theirs, with the F distribution's interval; below 1 is stabler."""
    first, second = ([one.psnr for one in found.values()] for found in (ours, theirs))
    if len(first) < 2 or not np.var(second):
        return None
    ratio, freedom = float(np.var(first, ddof=1) / np.var(second, ddof=1)), len(first) - 1
    quantile = stats.f.ppf((1 + LEVEL) / 2, freedom, freedom)
    interval = (ratio / float(quantile), ratio * float(quantile))
    details = {"per_seed": [[asdict(one) for one in found.values()] for found in (ours, theirs)]}
    return Effect(ratio, interval, -side_of(interval, null=1.0), details=details)
