"""The paper's claims, each with a verdict at this scale. The claims and the rules in words: claims.yaml.

A verdict is about this profile's data, model size and number of steps, never about the paper's own experiments. Its intervals
are not corrected for there being several metrics and many claims: multiplicity.py says beside them what that would leave.
"""

from dataclasses import dataclass
from typing import Any

from sweettok.reporting.claims_file import (
    BetterThan,
    Claim,
    Equivalent,
    FewShot,
    Keeps,
    NotTested,
    ProbeContrast,
    Scaling,
    Stability,
    Test,
    load_claims,
)
from sweettok.reporting.collect import Results
from sweettok.reporting.rules.keeps import keeps
from sweettok.reporting.rules.ruling import Ruling
from sweettok.reporting.rules.scaling import scaling
from sweettok.reporting.rules.semantics import few_shot, probe_contrast
from sweettok.reporting.rules.stability import stability
from sweettok.reporting.rules.variants import better_than, equivalent


@dataclass(frozen=True)
class Verdict:
    """What became of a claim."""

    claim: Claim
    ruling: Ruling

    def as_json(self) -> dict[str, Any]:
        """For results.json: the claim as claims.yaml has it, and the ruling with every effect."""
        return {
            **self.claim.model_dump(mode="json"),
            "verdict": self.ruling.verdict,
            "reason": self.ruling.reason,
            "terms": dict(self.ruling.terms),
            "effects": {name: effect.as_json() for name, effect in self.ruling.effects.items()},
        }


def verdicts(results: Results) -> tuple[Verdict, ...]:
    """A verdict for each claim of claims.yaml, in order."""
    return tuple(Verdict(claim, rule_on(results, claim.test)) for claim in load_claims().claims)


def rule_on(results: Results, test: Test) -> Ruling:
    """The ruling of the test's kind. Raises InputError where paired cells were measured on different clips."""
    match test:
        case BetterThan():
            return better_than(results, test)
        case Equivalent():
            return equivalent(results, test)
        case Keeps():
            return keeps(results, test)
        case ProbeContrast():
            return probe_contrast(results, test)
        case FewShot():
            return few_shot(results, test)
        case Scaling():
            return scaling(results, test)
        case Stability():
            return stability(results, test)
        case NotTested():
            return Ruling("not run", test.why)
