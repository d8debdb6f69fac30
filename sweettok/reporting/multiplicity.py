"""What remains of the verdicts once it counts that many differences were looked at.

The rules of claims.yaml take each 95 % interval by itself. Of many differences some are apart from zero by chance alone, so
the report says beside the verdicts how many were looked at, and which remain at a controlled rate of false discoveries.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from sweettok.reporting.claims import Verdict
from sweettok.reporting.over_seeds import LEVEL
from sweettok.reporting.rules.ruling import SEEDS_NEEDED


@dataclass(frozen=True)
class Multiplicity:
    """differences: over at least 3 seeds, of those that a rule decides by. apart: of these with an interval beyond zero.
    remaining: "claim (effect)" of those apart at a false discovery rate of 5 % (Benjamini and Hochberg 1995)."""

    differences: int
    apart: int
    remaining: tuple[str, ...]

    @property
    def by_chance(self) -> float:
        """Expected number apart if nothing made a difference."""
        return (1 - LEVEL) * self.differences


def multiplicity(found: Sequence[Verdict]) -> Multiplicity:
    """Of all verdicts of one report: Student's t over the seeds of every difference that decides."""
    looked_at = [
        (f"{one.claim.statement} ({name})", effect)
        for one in found
        for name, effect in one.ruling.effects.items()
        if effect.decides and effect.p_value is not None and effect.seeds >= SEEDS_NEEDED
    ]
    p_values = [effect.p_value for _, effect in looked_at]
    adjusted = stats.false_discovery_control(p_values) if p_values else []
    pairs = list(zip(looked_at, adjusted, strict=True))
    return Multiplicity(
        differences=len(looked_at),
        apart=sum(effect.side != 0 for _, effect in looked_at),
        remaining=tuple(name for (name, effect), p_value in pairs if effect.side and p_value < 1 - LEVEL),
    )


def in_words(counted: Multiplicity) -> str:
    """One or two sentences for the note under the verdicts; empty where nothing was counted."""
    if not counted.differences:
        return ""
    remaining = (
        f"{len(counted.remaining)} of them remain: {'; '.join(counted.remaining)}"
        if counted.remaining
        else "none remains"
    )
    return (
        f"The verdicts take each interval by itself. {counted.apart} of {counted.differences} differences over seeds that rules "
        f"decide by are apart from zero; about {counted.by_chance:.1f} would be by chance if nothing made a difference. At a "
        f"false discovery rate of 5 % (Benjamini-Hochberg, Student's t over seeds) {remaining}."
    )
