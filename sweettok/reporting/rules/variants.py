"""Two ablation variants: one is better, or both are as good. Paired over seeds and clips."""

from sweettok.reporting.ablation import LEARNED_GAIN, difference, has_learned
from sweettok.reporting.claims_file import BetterThan, Equivalent
from sweettok.reporting.collect import Results
from sweettok.reporting.rules.ruling import (
    Effect,
    Outcome,
    Ruling,
    by_any,
    few_seeds,
    terms_of,
    undecided,
    with_fairness,
)

DECIDING = ("psnr", "perceptual/judge", "frechet_video/judge")


def better_than(results: Results, test: BetterThan) -> Ruling:
    """Ruling on `better` beating `worse` in PSNR, perceptual or Frechet video distance."""
    found = {metric: difference(results, test.better, test.worse, metric) for metric in DECIDING}
    differences = {metric: known for metric, known in found.items() if known is not None}
    if not differences:
        return _not_run(test.better, test.worse)
    effects = {metric: Effect.of_difference(known) for metric, known in differences.items()}
    terms = terms_of(results, test.better, test.worse)
    open_because = _undecidable(results, test.better, test.worse, next(iter(differences.values())).seeds)
    verdict, reason = undecided(open_because) if open_because else by_any(effects)
    return Ruling(verdict, with_fairness(reason, terms), effects, terms)


def equivalent(results: Results, test: Equivalent) -> Ruling:
    """Ruling on the PSNR of two variants differing by less than the margin."""
    found = difference(results, test.variant, test.reference, "psnr")
    if found is None:
        return _not_run(test.variant, test.reference)
    terms = terms_of(results, test.variant, test.reference)
    open_because = _undecidable(results, test.variant, test.reference, found.seeds)
    verdict, reason = undecided(open_because) if open_because else _within(found.interval, test.margin_db)
    side = {"supported": 1, "contradicted": -1}.get(verdict, 0)
    effect = Effect(found.mean, found.interval, side, found.effect_size, details=found.as_json())
    return Ruling(verdict, with_fairness(reason, terms), {"psnr": effect}, terms)


def _within(interval: tuple[float, float], margin: float) -> tuple[Outcome, str]:
    low, high = interval
    if -margin <= low and high <= margin:
        return "supported", f"the whole interval lies within ±{margin:g} dB"
    if low > margin or high < -margin:
        return "contradicted", f"the whole interval lies outside ±{margin:g} dB"
    return "inconclusive", f"the interval reaches across ±{margin:g} dB"


def _not_run(first: str, second: str) -> Ruling:
    return Ruling("not run", f"{first} and {second} share no finished seed")


def _undecidable(results: Results, first: str, second: str, seeds: tuple[int, ...]) -> str:
    """Why nothing can be decided, whatever the intervals are; empty where it can."""
    unlearned = [variant for variant in (first, second) if not has_learned(results, variant)]
    if unlearned:
        return f"{' and '.join(unlearned)} less than {LEARNED_GAIN} dB above the mean colour"
    return few_seeds(seeds)
