"""The tokens of one ablation variant are easier to generate from than another's: a prior a cell, paired over seeds."""

from math import log
from typing import Any, ClassVar, Literal

from sweettok.params.section import Section
from sweettok.reporting.collect import Results
from sweettok.reporting.family import Aim
from sweettok.reporting.paired import difference_over_seeds
from sweettok.reporting.rules.measured import Measured, first_caveat, one_seed, terms_of

CONSISTENCY = "class_consistency"


class GeneratesBetter(Section):
    """Samples of a prior over one variant's tokens are nearer to real clips than those over another's."""

    aim: ClassVar[Aim] = "better"
    kind: Literal["generates_better"]
    better: str
    worse: str

    def measured(self, results: Results, metric: str) -> Measured:
        """Logarithm of the worse one's distance over the better one's, over the seeds in common."""
        ours, theirs = (_by_seed(results, variant) for variant in (self.better, self.worse))
        seeds = sorted(set(ours) & set(theirs))
        if not seeds:
            return Measured(None, f"{self.better} and {self.worse} share no seed with samples")

        def values(of: dict[int, dict[str, Any]], name: str, seed: int) -> float:
            return of[seed][name]["value"]

        primary = difference_over_seeds(
            {seed: log(values(theirs, metric, seed) / values(ours, metric, seed)) for seed in seeds}
        )
        consistency = {seed: values(ours, CONSISTENCY, seed) - values(theirs, CONSISTENCY, seed) for seed in seeds}
        records = (found[seed][metric] for found in (ours, theirs) for seed in seeds)
        open_because = first_caveat(records) or one_seed(primary)
        secondary = {CONSISTENCY: difference_over_seeds(consistency)}
        return Measured(primary, open_because, secondary, terms_of(results, self.better, self.worse))


def _by_seed(results: Results, variant: str) -> dict[int, dict[str, Any]]:
    """seed -> metric records of the samples of the variant's prior, where it has one."""
    cells = results.of_variant(variant).items()
    return {seed: cell.summary["generation"]["metrics"] for seed, cell in cells if "generation" in cell.summary}
