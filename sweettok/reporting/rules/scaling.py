"""A larger prior gives better samples: priors of several sizes on the same tokens, paired over seeds."""

from math import log
from statistics import fmean
from typing import ClassVar, Literal

from sweettok.params.section import Section
from sweettok.reporting.collect import Results
from sweettok.reporting.family import Aim
from sweettok.reporting.paired import difference_over_seeds
from sweettok.reporting.rules.measured import Measured, first_caveat, one_seed


class Scaling(Section):
    """A larger prior's samples are nearer than a smaller one's; the loss is shown beside it."""

    aim: ClassVar[Aim] = "better"
    kind: Literal["scaling"]
    smaller: str
    larger: str

    def measured(self, results: Results, metric: str) -> Measured:
        """Logarithm of the smaller prior's distance over the larger one's, over the seeds in common."""
        smaller, larger = (_by_seed(results, size, metric) for size in (self.smaller, self.larger))
        nearer = {seed: log(smaller[seed] / larger[seed]) for seed in sorted(set(smaller) & set(larger))}
        if not nearer:
            return Measured(None, f"priors {self.smaller} and {self.larger} share no finished seed")
        primary = difference_over_seeds(nearer)
        small, large = (_by_seed(results, size, "loss") for size in (self.smaller, self.larger))
        losses = {seed: large[seed] - small[seed] for seed in nearer if seed in small and seed in large}
        secondary = {"loss": difference_over_seeds(losses)} if losses else {}
        open_because = _doubt(results, metric) or one_seed(primary)
        return Measured(primary, open_because, secondary, remark=_sizes(results, metric))


def _by_seed(results: Results, size: str, metric: str) -> dict[int, float]:
    runs = (run for run in results.prior_scaling if run.size == size and metric in run.summary["metrics"])
    return {run.seed: run.summary["metrics"][metric]["value"] for run in runs}


def _doubt(results: Results, metric: str) -> str:
    """Why the metric says nothing, where it does."""
    measured = (run.summary["metrics"] for run in results.prior_scaling)
    return first_caveat(metrics[metric] for metrics in measured if metric in metrics)


def _sizes(results: Results, metric: str) -> str:
    """Every size's parameters and mean, from small to large: "small (123,456 parameters) 61.2, ..."."""
    parameters = {run.size: run.summary["parameters"] for run in results.prior_scaling}
    means = {size: _by_seed(results, size, metric) for size in sorted(parameters, key=lambda size: parameters[size])}
    shown = (
        f"{size} ({parameters[size]:,} parameters) {fmean(values.values()):.4g}"
        for size, values in means.items() if values
    )  # fmt: skip
    return f"{metric}: {', '.join(shown)}"
