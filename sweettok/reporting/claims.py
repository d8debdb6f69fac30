"""The paper's claims, each with a verdict at this scale. The claims and the rules in words: claims.yaml.

A verdict is about this profile's data, model size and number of steps, never about the paper's own experiments. Its intervals
are not corrected for there being several metrics and many claims: multiplicity.py says beside them what that would leave.
"""

from dataclasses import dataclass
from typing import Any

from sweettok.reporting.claims_file import Claim, load_claims
from sweettok.reporting.collect import Results
from sweettok.reporting.rules.ruling import Ruling


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
    """A verdict for each claim of claims.yaml, in order. Raises InputError where pairs were measured on different clips."""
    return tuple(Verdict(claim, claim.test.ruling(results)) for claim in load_claims().claims)
