"""claims.yaml as typed models: what the paper claims, how each claim is tested here, and its verdict at this scale.

A verdict is about this profile's data, model size and number of steps, never about the paper's own experiments. The claims of a
report decide together (family.py), and where a profile has seeds for replication, twice.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Union, get_args

import pydantic
import yaml
from pydantic import Field, PositiveFloat, model_validator

from sweettok.errors import InputError, on_one_line
from sweettok.params.section import Section
from sweettok.reporting.collect import Results
from sweettok.reporting.family import Aim, Outcome, Question, decide
from sweettok.reporting.rules.generation import GeneratesBetter, PredictsBetter
from sweettok.reporting.rules.keeps import Keeps
from sweettok.reporting.rules.measured import Measured
from sweettok.reporting.rules.scaling import Scaling
from sweettok.reporting.rules.semantics import FewShot, ProbeContrast
from sweettok.reporting.rules.stability import Stability
from sweettok.reporting.rules.variants import BetterThan, Equivalent

PATH = Path(__file__).with_name("claims.yaml")


class NotTested(Section):
    """No experiment here can decide it."""

    aim: ClassVar[Aim] = "better"
    kind: Literal["not_tested"]
    why: str

    def measured(self, results: Results, metric: str) -> Measured:
        """Whatever has run."""
        return Measured(None, self.why)


Tests = Union[  # noqa: UP007
    BetterThan,
    Equivalent,
    Keeps,
    GeneratesBetter,
    PredictsBetter,
    ProbeContrast,
    FewShot,
    Scaling,
    Stability,
    NotTested,
]
KINDS = {get_args(test.model_fields["kind"].annotation)[0] for test in get_args(Tests)}


class Claim(Section):
    """One claim. table: of the paper, or where else it stands; published: its numbers; profile: whose run tests it."""

    table: str
    statement: str
    published: str
    experiment: str
    profile: str
    test: Annotated[Tests, Field(discriminator="kind")]

    @property
    def variants(self) -> tuple[str, ...]:
        """The ablation variants that its test compares."""
        if isinstance(self.test, Keeps):  # of T1
            return ()
        fields = ("better", "worse", "variant", "reference")
        return tuple(getattr(self.test, name) for name in fields if hasattr(self.test, name))


class Rule(Section):
    """Of a kind of claim. fixed: when; known: what was known then; primary: what alone decides, in `unit`; smallest_effect:
    below it no difference is worth speaking of, and why; statistic: how it is computed."""

    fixed: date
    known: str
    primary: str
    unit: str
    smallest_effect: PositiveFloat
    because: str
    statistic: str


class ClaimsFile(Section):
    """decision: of all rules, in words; rules: kind -> rule; claims in the order of the report."""

    decision: str
    rules: dict[str, Rule]
    claims: Annotated[tuple[Claim, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _check_whole(self) -> "ClaimsFile":
        if absent := KINDS - set(self.rules):
            raise ValueError(f"rules lacks {', '.join(sorted(absent))}")
        if unknown := set(self.rules) - KINDS:
            raise ValueError(f"rules has the unknown kinds {', '.join(sorted(unknown))}")
        statements = [claim.statement for claim in self.claims]
        if twice := sorted({one for one in statements if statements.count(one) > 1}):
            raise ValueError(f"claims states twice: {', '.join(twice)}")
        return self

    @property
    def sha256(self) -> str:
        """Of all that decides: the rules, and what each claim tests. docs/rules.md lists it with every change."""
        whole = self.model_dump(mode="json")
        whole["claims"] = [(claim["statement"], claim["test"]) for claim in whole["claims"]]
        return sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


@cache
def load_claims(path: Path = PATH) -> ClaimsFile:
    """Read and validate a claims file. Raises InputError: one line with the first mistake and its place."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; install sweettok again") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {on_one_line(error)}") from error
    try:
        return ClaimsFile.model_validate(content)
    except pydantic.ValidationError as invalid:
        first = invalid.errors()[0]
        place = ".".join(map(str, first["loc"]))
        got = f"; got {first['input']!r}" if isinstance(first["input"], str | float | int) else ""
        more = f" (and {invalid.error_count() - 1} more)" if invalid.error_count() > 1 else ""
        raise InputError(f"{path}: {place or 'the file'}: {first['msg']}{got}{more}") from invalid


@dataclass(frozen=True)
class Finding:
    """A claim in one set of seeds. level: the p value that one more claim of its family would need to be decided."""

    measured: Measured
    outcome: Outcome
    level: float


@dataclass(frozen=True)
class Verdict:
    """What became of a claim. replication: None where no seeds were set aside for it, or none of them has run."""

    claim: Claim
    rule: Rule
    discovery: Finding
    replication: Finding | None = None

    @property
    def outcome(self) -> Outcome:
        """Final only where both sets of seeds agree."""
        return self.discovery.outcome if self.replication is None or self.replicated else "inconclusive"

    @property
    def replicated(self) -> bool:
        """Whether a second set of seeds has decided, and the same."""
        return self.replication is not None and self.replication.outcome == self.discovery.outcome

    @property
    def detectable(self) -> float | None:
        """The smallest effect that the discovery's seeds and clips could have seen; None where that is unknown."""
        primary = self.discovery.measured.primary
        return primary.detectable(self.discovery.level) if primary else None

    @property
    def seeds_needed(self) -> int | None:
        """To see the smallest effect of interest; None where that is unknown or takes more clips."""
        primary = self.discovery.measured.primary
        return primary.seeds_needed(self.rule.smallest_effect, self.discovery.level) if primary else None

    def as_json(self) -> dict[str, Any]:
        """For results.json: the claim and its rule as claims.yaml has them, and all that was found."""
        return {
            **self.claim.model_dump(mode="json"),
            "rule": self.rule.model_dump(mode="json"),
            "verdict": self.outcome,
            "discovery": _finding(self.discovery),
            "replication": self.replication and _finding(self.replication),
        }


def verdicts(results: Results) -> tuple[Verdict, ...]:
    """A verdict for each claim of claims.yaml, in order. Raises InputError where pairs were measured on different clips."""
    discoveries, replications = (_findings(results.of_seeds(replication)) for replication in (False, True))
    return tuple(
        Verdict(claim, load_claims().rules[claim.test.kind], discovery, None if again.outcome == "not run" else again)
        for claim, discovery, again in zip(load_claims().claims, discoveries, replications, strict=True)
    )


def _findings(results: Results) -> list[Finding]:
    """Of all claims in one set of seeds: those that nothing leaves open are a family, which decides together."""
    file = load_claims()
    measured = [claim.test.measured(results, file.rules[claim.test.kind].primary) for claim in file.claims]
    family = {
        place: Question(found.primary, file.rules[claim.test.kind].smallest_effect, claim.test.aim)
        for place, (claim, found) in enumerate(zip(file.claims, measured, strict=True))
        if found.primary is not None and not found.open_because
    }
    decided, level = decide(list(family.values()))
    outcomes = dict(zip(family, decided, strict=True))
    return [
        Finding(found, outcomes.get(place, "inconclusive" if found.primary else "not run"), level)
        for place, found in enumerate(measured)
    ]


def _finding(found: Finding) -> dict[str, Any]:
    measured = found.measured
    return {
        "outcome": found.outcome,
        "primary": measured.primary and measured.primary.as_json(),
        "secondary": {name: difference.as_json() for name, difference in measured.secondary.items()},
        "open_because": measured.open_because,
        "terms": dict(measured.terms),
        "remark": measured.remark,
    }
