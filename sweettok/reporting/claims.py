"""claims.yaml as typed models: what the paper claims, how each claim is tested here, and its verdict at this scale.

A verdict is about this profile's data, model size and number of steps, never about the paper's own experiments. Its intervals
are not corrected for there being several metrics and many claims: multiplicity.py says beside them what that would leave.
"""

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args

import pydantic
import yaml
from pydantic import Field, model_validator

from sweettok.errors import InputError
from sweettok.params.section import Section
from sweettok.reporting.collect import Results
from sweettok.reporting.rules.keeps import Keeps
from sweettok.reporting.rules.ruling import Ruling
from sweettok.reporting.rules.scaling import Scaling
from sweettok.reporting.rules.semantics import FewShot, ProbeContrast
from sweettok.reporting.rules.stability import Stability
from sweettok.reporting.rules.variants import BetterThan, Equivalent

PATH = Path(__file__).with_name("claims.yaml")


class NotTested(Section):
    """No experiment here can decide it."""

    kind: Literal["not_tested"]
    why: str

    def ruling(self, results: Results) -> Ruling:
        """Whatever has run."""
        return Ruling("not run", self.why)


Tests = Union[BetterThan, Equivalent, Keeps, ProbeContrast, FewShot, Scaling, Stability, NotTested]  # noqa: UP007
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
    """Of a kind of claim, in words: when the rule was fixed, what is computed, and what decides."""

    fixed: str
    statistic: str
    decision: str


class ClaimsFile(Section):
    """rules: kind -> rule, for every kind; claims in the order of the report."""

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


@cache
def load_claims(path: Path = PATH) -> ClaimsFile:
    """Read and validate a claims file. Raises InputError: one line with the first mistake and its place."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; install sweettok again") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    try:
        return ClaimsFile.model_validate(content)
    except pydantic.ValidationError as invalid:
        first = invalid.errors()[0]
        place = ".".join(map(str, first["loc"]))
        got = f"; got {first['input']!r}" if isinstance(first["input"], str | float | int) else ""
        more = f" (and {invalid.error_count() - 1} more)" if invalid.error_count() > 1 else ""
        raise InputError(f"{path}: {place or 'the file'}: {first['msg']}{got}{more}") from invalid


@dataclass(frozen=True)
class Verdict:
    """What became of a claim."""

    claim: Claim
    ruling: Ruling

    def as_json(self) -> dict[str, Any]:
        """For results.json: the claim as claims.yaml has it, and the ruling with every effect."""
        return {
            **self.claim.model_dump(mode="json"),
            **asdict(self.ruling),
        }


def verdicts(results: Results) -> tuple[Verdict, ...]:
    """A verdict for each claim of claims.yaml, in order. Raises InputError where pairs were measured on different clips."""
    return tuple(Verdict(claim, claim.test.ruling(results)) for claim in load_claims().claims)
