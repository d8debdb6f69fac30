"""A larger prior gives better samples: priors of several sizes on the same tokens, paired over seeds."""

from statistics import fmean
from typing import Literal

from sweettok.metrics.record import caveat
from sweettok.metrics.registry import higher_is_better
from sweettok.params.section import Section
from sweettok.reporting.collect import Results
from sweettok.reporting.rules.ruling import Effect, Outcome, Ruling, few_seeds

OUTCOMES: dict[int, tuple[Outcome, str]] = {  # side of the deciding effect -> verdict
    1: ("supported", "the larger prior is better"),
    -1: ("contradicted", "the larger prior is worse"),
    0: ("inconclusive", "the interval includes zero"),
}


class Scaling(Section):
    """A larger prior's metric is better than a smaller one's; the loss is shown beside it."""

    kind: Literal["scaling"]
    metric: str
    smaller: str
    larger: str

    def ruling(self, results: Results) -> Ruling:
        """Of the priors' seeds in common."""
        effects = {}
        for metric in dict.fromkeys((self.metric, "loss")):
            smaller, larger = (_by_seed(results, size, metric) for size in (self.smaller, self.larger))
            if paired := {seed: larger[seed] - smaller[seed] for seed in sorted(set(smaller) & set(larger))}:
                better = higher_is_better(metric)
                effects[metric] = Effect.over_seeds(paired, better, decides=metric == self.metric)
        if self.metric not in effects:
            return Ruling("not run", f"priors {self.smaller} and {self.larger} share no finished seed")
        open_because = few_seeds(effects[self.metric].details["per_seed"]) or _doubt(results, self.metric)
        undecided: tuple[Outcome, str] = ("inconclusive", open_because)
        verdict, reason = undecided if open_because else OUTCOMES[effects[self.metric].side]
        return Ruling(verdict, f"{reason}; {_sizes(results, self.metric)}", effects)


def _by_seed(results: Results, size: str, metric: str) -> dict[int, float]:
    runs = (run for run in results.prior_scaling if run.size == size and metric in run.summary["metrics"])
    return {run.seed: run.summary["metrics"][metric]["value"] for run in runs}


def _doubt(results: Results, metric: str) -> str:
    """Why the metric says nothing, where it does."""
    records = [run.summary["metrics"].get(metric) for run in results.prior_scaling]
    return next(filter(None, (caveat(known) for known in records if known)), "")


def _sizes(results: Results, metric: str) -> str:
    """Every size's parameters and mean, from small to large: "small (123,456 parameters) 61.2, ..."."""
    parameters = {run.size: run.summary["parameters"] for run in results.prior_scaling}
    means = {size: _by_seed(results, size, metric) for size in sorted(parameters, key=lambda size: parameters[size])}
    shown = (
        f"{size} ({parameters[size]:,} parameters) {fmean(values.values()):.4g}"
        for size, values in means.items() if values
    )  # fmt: skip
    return f"{metric}: {', '.join(shown)}"
