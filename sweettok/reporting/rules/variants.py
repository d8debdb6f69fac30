"""Two ablation variants: one is better, or both are as good. Paired over seeds and clips."""

from dataclasses import replace
from typing import Literal

from pydantic import PositiveFloat

from sweettok.params.section import Section
from sweettok.reporting.ablation import LEARNED_GAIN, difference, has_learned
from sweettok.reporting.collect import Results
from sweettok.reporting.names import MAIN_METRICS
from sweettok.reporting.rules.ruling import Outcome, Ruling, by_any, decided, few_seeds, not_run, terms_of


class BetterThan(Section):
    """One ablation variant beats another in PSNR, perceptual or Frechet video distance."""

    kind: Literal["better_than"]
    better: str
    worse: str

    def ruling(self, results: Results) -> Ruling:
        """Raises InputError where paired cells were measured on different clips."""
        pair = self.better, self.worse
        found = {metric: difference(results, *pair, metric) for metric in MAIN_METRICS}
        effects = {metric: known for metric, known in found.items() if known is not None}
        if not effects:
            return not_run(pair)
        seeds = next(iter(effects.values())).details["seeds"]
        return decided(effects, by_any, _undecidable(results, pair, seeds), terms_of(results, *pair))


class Equivalent(Section):
    """Two ablation variants reach the same PSNR, within a margin."""

    kind: Literal["equivalent"]
    variant: str
    reference: str
    margin_db: PositiveFloat

    def ruling(self, results: Results) -> Ruling:
        """Raises InputError where paired cells were measured on different clips."""
        pair, margin = (self.variant, self.reference), self.margin_db
        found = difference(results, *pair, "psnr")
        if found is None or found.interval is None:
            return not_run(pair)
        low, high = found.interval
        outcome: tuple[Outcome, int, str] = ("inconclusive", 0, f"the interval reaches across ±{margin:g} dB")
        if -margin <= low and high <= margin:
            outcome = ("supported", 1, f"the whole interval lies within ±{margin:g} dB")
        elif low > margin or high < -margin:
            outcome = ("contradicted", -1, f"the whole interval lies outside ±{margin:g} dB")
        verdict, side, reason = outcome
        open_because = _undecidable(results, pair, found.details["seeds"])
        effect = replace(
            found, side=0 if open_because else side, p_value=None, seeds=0
        )  # no difference from zero is tested
        return decided({"psnr": effect}, lambda _: (verdict, reason), open_because, terms_of(results, *pair))


def _undecidable(results: Results, variants: tuple[str, ...], seeds: tuple[int, ...]) -> str:
    """Why nothing can be decided, whatever the intervals are; empty where it can."""
    unlearned = [variant for variant in variants if not has_learned(results, variant)]
    if unlearned:
        return f"{' and '.join(unlearned)} less than {LEARNED_GAIN} dB above the mean colour"
    return few_seeds(seeds)
