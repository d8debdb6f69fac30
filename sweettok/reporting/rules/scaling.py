"""A larger prior gives better samples: priors of several sizes on the same tokens, paired over seeds."""

from statistics import fmean

from sweettok.reporting.claims_file import Scaling
from sweettok.reporting.collect import Results
from sweettok.reporting.names import HIGHER_IS_BETTER
from sweettok.reporting.over_seeds import over_seeds_of
from sweettok.reporting.rules.ruling import Effect, Outcome, Ruling, few_seeds, undecided


def scaling(results: Results, test: Scaling) -> Ruling:
    """Ruling on the largest prior's metric being better than the smallest's; the loss is shown beside it."""
    effects = {}
    for metric in dict.fromkeys((test.metric, "loss")):
        smaller, larger = (_by_seed(results, size, metric) for size in (test.smaller, test.larger))
        if shared := sorted(set(smaller) & set(larger)):
            paired = over_seeds_of({seed: larger[seed] - smaller[seed] for seed in shared})
            effects[metric] = Effect.over_seeds(paired, HIGHER_IS_BETTER.get(metric, False), metric == test.metric)
    if test.metric not in effects:
        return Ruling("not run", f"priors {test.smaller} and {test.larger} share no finished seed")
    deciding = effects[test.metric]
    few = few_seeds(deciding.details["per_seed"])
    verdict, reason = undecided(few) if few else _decide(deciding.side)
    return Ruling(verdict, f"{reason}; {_sizes(results, test.metric)}", effects)


def _decide(side: int) -> tuple[Outcome, str]:
    outcomes: dict[int, tuple[Outcome, str]] = {
        1: ("supported", "the larger prior is better"),
        -1: ("contradicted", "the larger prior is worse"),
        0: ("inconclusive", "the interval includes zero"),
    }
    return outcomes[side]


def _by_seed(results: Results, size: str, metric: str) -> dict[int, float]:
    cells = (cell for cell in results.prior_scaling if cell.size == size and metric in cell.summary["metrics"])
    return {cell.seed: cell.summary["metrics"][metric]["value"] for cell in cells}


def _sizes(results: Results, metric: str) -> str:
    """Every size's parameters and mean, from small to large: "small (123,456 parameters) 61.2, ..."."""
    parameters = {cell.size: cell.summary["parameters"] for cell in results.prior_scaling}
    means = {size: _by_seed(results, size, metric) for size in sorted(parameters, key=lambda size: parameters[size])}
    shown = (
        f"{size} ({parameters[size]:,} parameters) {fmean(values.values()):.4g}"
        for size, values in means.items() if values
    )  # fmt: skip
    return f"{metric}: {', '.join(shown)}"
