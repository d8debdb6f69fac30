"""Whether one curriculum trains more stably than another: how restless its loss is, which seeds collapse."""

from dataclasses import dataclass
from math import log
from typing import ClassVar, Literal

import pandas

from sweettok.params.section import Section
from sweettok.reporting.ablation import LEARNED_GAIN
from sweettok.reporting.collect import AblationCell, Results
from sweettok.reporting.family import Aim
from sweettok.reporting.paired import difference_over_seeds
from sweettok.reporting.rules.measured import Measured, one_seed, terms_of

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
    """A variant trains more stably than another: its loss is calmer."""

    aim: ClassVar[Aim] = "better"
    kind: Literal["stability"]
    variant: str
    reference: str

    def measured(self, results: Results, metric: str) -> Measured:
        """Logarithm of the reference's restlessness over the variant's, over the seeds in common; no other metric."""
        ours, theirs = (_restless(results, variant) for variant in (self.variant, self.reference))
        calmer = {seed: log(theirs[seed] / ours[seed]) for seed in sorted(set(ours) & set(theirs))}
        if not calmer:
            return Measured(None, f"{self.variant} and {self.reference} share no seed with a curve of its loss")
        primary = difference_over_seeds(calmer)
        terms = terms_of(results, self.variant, self.reference)
        return Measured(
            primary, one_seed(primary), terms=terms, remark=_collapses(results, self.variant, self.reference)
        )


def _restless(results: Results, variant: str) -> dict[int, float]:
    """seed -> restlessness, of those with a curve."""
    found = {seed: one.restlessness for seed, one in seed_stabilities(results, variant).items()}
    return {seed: value for seed, value in found.items() if value}


def _collapses(results: Results, *variants: str) -> str:
    """E.g. "collapsed: full 0 of 3, end_to_end 2 of 3"."""
    found = {variant: seed_stabilities(results, variant).values() for variant in variants}
    counts = (f"{name} {sum(one.collapsed for one in seeds)} of {len(seeds)}" for name, seeds in found.items())
    return f"collapsed: {', '.join(counts)}"


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
