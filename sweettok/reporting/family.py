"""The tests of one report decide together: a family with a controlled rate of false discoveries.

Of many differences some are apart from zero by chance alone. Benjamini and Hochberg (1995) keep the expected share of such
among all that are called to 5 %: once over the questions whether there is a difference, once over those whether it is too
small to matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import stats

from sweettok.reporting.paired import PairedDifference

FALSE_DISCOVERIES = 0.05
Aim = Literal["better", "same", "not worse"]
Outcome = Literal["supported", "contradicted", "equivalent", "inconclusive", "not run"]


@dataclass(frozen=True)
class Question:
    """difference: above zero speaks for the claim; smallest_effect: in its unit; aim: what the claim says of it."""

    difference: PairedDifference
    smallest_effect: float
    aim: Aim = "better"

    @property
    def null(self) -> float:
        """Where the claim begins to hold."""
        return -self.smallest_effect if self.aim == "not worse" else 0.0

    @property
    def p_apart(self) -> float:
        """Of there being no difference; of a claim that there is none, of it being too small to matter."""
        if self.aim == "same":
            return self.difference.p_beyond(self.smallest_effect)
        return self.difference.p_apart(self.null)

    @property
    def p_within(self) -> float:
        """Of the difference being large enough to matter; not asked where the claim is that nothing gets worse."""
        return 1.0 if self.aim == "not worse" else self.difference.p_within(self.smallest_effect)

    def outcome(self, is_apart: bool, is_within: bool) -> Outcome:
        """A difference that is there but too small to matter counts as none."""
        if is_within:
            return "supported" if self.aim == "same" else "equivalent"
        if not is_apart:
            return "inconclusive"
        return "supported" if self.aim != "same" and self.difference.mean > self.null else "contradicted"


def decide(family: Sequence[Question]) -> tuple[list[Outcome], float]:
    """The outcome of each question, and the p value that one more of them would need to be called a difference."""
    if not family:
        return [], FALSE_DISCOVERIES
    apart = stats.false_discovery_control([question.p_apart for question in family]) <= FALSE_DISCOVERIES
    within = stats.false_discovery_control([question.p_within for question in family]) <= FALSE_DISCOVERIES
    outcomes = [question.outcome(*called) for question, *called in zip(family, apart, within, strict=True)]
    return outcomes, FALSE_DISCOVERIES * min(1 + int(apart.sum()), len(family)) / len(family)
