"""The paper's ablation claims, each with a verdict at this scale.

Decision rule, fixed before any number was seen. For each of three metrics (PSNR, perceptual distance, Frechet video
distance, the last two on judge features) take the 95 % interval of the paired difference between the model that the
claim calls better and the one it calls worse (`ablation.Difference`):

- **supported**: at least one interval lies on the claim's side of zero, and none on the other;
- **contradicted**: at least one lies on the other side, and none on the claim's;
- **inconclusive**: all include zero, or the metrics disagree, or there are fewer than two seeds, or one of the two
  models has not learned (less than 1.5 dB PSNR above the mean colour in some seed), or
- **not run**: one of the two has not been trained.

The intervals are not corrected for there being three metrics and several claims. A verdict is about this profile's
data, model size and number of steps, never about the paper's own experiments.
"""

from dataclasses import dataclass
from typing import Any

from sweettok.reporting.ablation import LEARNED_GAIN, Difference, difference, has_learned
from sweettok.reporting.collect import Results

DECIDING = ("psnr", "perceptual/judge", "frechet_video/judge")


@dataclass(frozen=True)
class Claim:
    """`better` beats `worse`, as `table` of the paper (or a check its readers asked for) has it."""

    table: str
    statement: str
    better: str
    worse: str
    published: str


CLAIMS = (
    Claim("T4", "Decoupled queries beat plain down-sampling", "full", "downsample", "rFVD 20.46 against 227.65"),
    Claim("T4", "Decoupled queries beat coupled queries", "full", "coupled", "rFVD 20.46 against 35.15"),
    Claim("T5", "A language codebook (LC) beats a learned one", "lc", "learned_codebook", "rFVD 24.80 against 29.45"),
    Claim("T5", "Splitting by part of speech (MLC) beats LC", "full", "lc", "rFVD 20.46 against 24.80"),
    Claim("T5", "MLC beats a learned codebook", "full", "learned_codebook", "rFVD 20.46 against 29.45"),
    Claim("T5", "MLC beats shuffled words", "full", "shuffled_words", "not published; a check that readers ask for"),
    Claim("T6", "Three trainings beat end-to-end", "full", "end_to_end", "v2: critical for stability; no number"),
)


@dataclass(frozen=True)
class Verdict:
    """What became of a claim. differences: metric -> better - worse; reason: one sentence."""

    claim: Claim
    verdict: str
    reason: str
    differences: dict[str, Difference]

    def as_json(self) -> dict[str, Any]:
        """For results.json."""
        return {
            "table": self.claim.table,
            "statement": self.claim.statement,
            "better": self.claim.better,
            "worse": self.claim.worse,
            "published": self.claim.published,
            "verdict": self.verdict,
            "reason": self.reason,
            "differences": {metric: found.as_json() for metric, found in self.differences.items()},
        }


def verdicts(results: Results) -> tuple[Verdict, ...]:
    """A verdict for each of `CLAIMS`, in order."""
    return tuple(_judge(results, claim) for claim in CLAIMS)


def _judge(results: Results, claim: Claim) -> Verdict:
    found = {metric: difference(results, claim.better, claim.worse, metric) for metric in DECIDING}
    differences = {metric: known for metric, known in found.items() if known is not None}
    if not differences:
        return Verdict(claim, "not run", f"{claim.better} and {claim.worse} share no finished seed", {})
    unlearned = [variant for variant in (claim.better, claim.worse) if not has_learned(results, variant)]
    if unlearned:
        reason = f"{' and '.join(unlearned)} less than {LEARNED_GAIN} dB above the mean colour"
        return Verdict(claim, "inconclusive", reason, differences)
    if all(known.student_interval is None for known in differences.values()):
        return Verdict(claim, "inconclusive", "one seed only", differences)
    verdict, reason = _decide({metric: known.direction for metric, known in differences.items()})
    return Verdict(claim, verdict, reason, differences)


def _decide(directions: dict[str, int]) -> tuple[str, str]:
    """The rule of the module's docstring on metric -> 1 (for the claim), -1 (against), 0 (open)."""
    in_favour = [metric for metric, direction in directions.items() if direction > 0]
    against = [metric for metric, direction in directions.items() if direction < 0]
    if in_favour and against:
        return "inconclusive", f"metrics disagree: {', '.join(in_favour)} for it, {', '.join(against)} against it"
    if in_favour:
        return "supported", f"decided by {', '.join(in_favour)}"
    if against:
        return "contradicted", f"decided by {', '.join(against)}"
    return "inconclusive", "every interval includes zero"
