"""The tokens of one ablation variant are easier to generate from than another's: a prior a cell, paired over seeds."""

from collections.abc import Callable
from math import log
from typing import Any, ClassVar, Literal

from sweettok.params.section import Section
from sweettok.reporting.collect import Results
from sweettok.reporting.family import Aim
from sweettok.reporting.paired import difference_over_seeds
from sweettok.reporting.rules.measured import Measured, first_caveat, one_seed, terms_of
from sweettok.reporting.rules.variants import not_learned

CONSISTENCY = "class_consistency"


class GeneratesBetter(Section):
    """Samples of a prior over one variant's tokens are nearer to real clips than those over another's."""

    aim: ClassVar[Aim] = "better"
    kind: Literal["generates_better"]
    better: str
    worse: str

    def measured(self, results: Results, metric: str) -> Measured:
        """Logarithm of the worse one's distance over the better one's, over the seeds in common."""
        return _compared(results, self.better, self.worse, metric, lambda ours, theirs: log(theirs / ours))


class PredictsBetter(Section):
    """A prior of one size predicts one variant's tokens better than another's."""

    aim: ClassVar[Aim] = "better"
    kind: Literal["predicts_better"]
    better: str
    worse: str

    def measured(self, results: Results, metric: str) -> Measured:
        """By how many nats a token the better one's loss is lower, over the seeds in common: a log ratio of perplexities."""
        return _compared(results, self.better, self.worse, metric, lambda ours, theirs: theirs - ours)


def _compared(
    results: Results, better: str, worse: str, metric: str, advantage: Callable[[float, float], float]
) -> Measured:
    """advantage: (the better one's value, the worse one's) -> above zero where the claim holds."""
    ours, theirs = (_by_seed(results, variant) for variant in (better, worse))
    seeds = sorted(set(ours) & set(theirs))
    if not seeds:
        return Measured(None, f"{better} and {worse} share no seed with samples")
    pairs = {seed: (ours[seed], theirs[seed]) for seed in seeds}
    primary = difference_over_seeds(
        {seed: advantage(first[metric]["value"], other[metric]["value"]) for seed, (first, other) in pairs.items()}
    )
    consistency = difference_over_seeds(
        {seed: first[CONSISTENCY]["value"] - other[CONSISTENCY]["value"] for seed, (first, other) in pairs.items()}
    )
    caveat = first_caveat(of_side[metric] for pair in pairs.values() for of_side in pair)
    open_because = caveat or not_learned(results, (better, worse)) or one_seed(primary)
    return Measured(primary, open_because, {CONSISTENCY: consistency}, terms_of(results, better, worse))


def _by_seed(results: Results, variant: str) -> dict[int, dict[str, Any]]:
    """seed -> metric records of the samples of the variant's prior, where it has one."""
    cells = results.of_variant(variant).items()
    return {seed: cell.summary["generation"]["metrics"] for seed, cell in cells if "generation" in cell.summary}
