"""Two ablation variants: one is better, or both are as good. Paired over seeds and clips."""

from typing import ClassVar, Literal

from sweettok.metrics.registry import higher_is_better
from sweettok.params.section import Section
from sweettok.reporting.ablation import LEARNED_GAIN, difference, has_learned, over_seeds
from sweettok.reporting.collect import Results
from sweettok.reporting.family import Aim
from sweettok.reporting.names import MAIN_METRICS
from sweettok.reporting.rules.measured import Measured, first_caveat, one_seed, terms_of


class BetterThan(Section):
    """One ablation variant beats another."""

    aim: ClassVar[Aim] = "better"
    kind: Literal["better_than"]
    better: str
    worse: str

    def measured(self, results: Results, metric: str) -> Measured:
        """Raises InputError where paired cells were measured on different clips."""
        return _compared(results, self.better, self.worse, metric)


class Equivalent(Section):
    """Two ablation variants are as good."""

    aim: ClassVar[Aim] = "same"
    kind: Literal["equivalent"]
    variant: str
    reference: str

    def measured(self, results: Results, metric: str) -> Measured:
        """Raises InputError where paired cells were measured on different clips."""
        return _compared(results, self.variant, self.reference, metric)


def _compared(results: Results, first: str, second: str, metric: str) -> Measured:
    pair = (first, second) if higher_is_better(metric) else (second, first)
    if (primary := difference(results, *pair, metric)) is None:
        return Measured(None, f"{first} and {second} share no finished seed")
    others = {other: difference(results, first, second, other) for other in MAIN_METRICS if other != metric}
    secondary = {other: found for other, found in others.items() if found is not None}
    open_because = _undecidable(results, (first, second), metric) or one_seed(primary)
    return Measured(primary, open_because, secondary, terms_of(results, first, second))


def not_learned(results: Results, variants: tuple[str, str]) -> str:
    """Which of them have not learned enough to be compared, in words; empty where both have."""
    unlearned = [variant for variant in variants if not has_learned(results, variant)]
    return f"{' and '.join(unlearned)} less than {LEARNED_GAIN} dB above the mean colour" if unlearned else ""


def _undecidable(results: Results, variants: tuple[str, str], metric: str) -> str:
    """Why nothing can be decided, whatever the interval is; empty where it can."""
    if unlearned := not_learned(results, variants):
        return unlearned
    records = (record for variant in variants for record in over_seeds(results, variant, metric))
    return first_caveat(records)
