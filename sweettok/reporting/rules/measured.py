"""What a claim's test finds: one primary difference, which decides, and what stands beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from sweettok.metrics.record import caveat
from sweettok.reporting.collect import Results
from sweettok.reporting.paired import PairedDifference

Names = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]  # of a claim in claims.yaml
EQUAL = 1e-9  # relative: rounding
APART = 0.05  # parameter counts further apart than this make a comparison unfair
TERMS = ("tokens", "bits", "parameters", "parameters_trained", "steps")  # what two variants should have in equal number


@dataclass(frozen=True)
class Measured:
    """In one set of seeds.

    primary       above zero speaks for the claim; None where nothing has run
    secondary     name -> difference, first side minus second, in its own unit; shown, never deciding
    open_because  why it decides nothing, whatever its interval; of no primary: why there is none
    terms         what the two sides have in common or not, e.g. "bits" -> (560.1, 662.8)
    remark        what readers must know beside the interval
    """

    primary: PairedDifference | None
    open_because: str = ""
    secondary: Mapping[str, PairedDifference] = field(default_factory=dict)
    terms: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    remark: str = ""


def weaker(parts: Mapping[str, PairedDifference], terms: Mapping[str, tuple[float, float]] | None = None) -> Measured:
    """Of a claim that all parts lie above zero: the lowest decides, all are shown."""
    primary = min(parts.values(), key=lambda part: part.mean)
    return Measured(primary, one_seed(primary), parts, terms or {})


def one_seed(found: PairedDifference) -> str:
    """Why a difference over seeds decides nothing, where it has one of them."""
    return "" if len(found.seeds) > 1 else "one seed says nothing of others"


def first_caveat(records: Iterable[Mapping[str, Any]]) -> str:
    """Why one of the metric records says nothing; "" where all of them say something."""
    return next(filter(None, map(caveat, records)), "")


def terms_of(results: Results, first: str, second: str) -> dict[str, tuple[float, float]]:
    """Term -> (first variant's, second's), from the summaries of the cells; those that both have."""
    ours, theirs = (next(iter(results.of_variant(variant).values())).summary for variant in (first, second))
    return {term: (ours[term], theirs[term]) for term in TERMS if ours.get(term) and theirs.get(term)}


def fairness(terms: Mapping[str, tuple[float, float]]) -> str:
    """In words whether the two sides had equal means, e.g. "equal tokens (80); warning: bits 560.1 against 662.8"."""
    equal: list[str] = []
    near: list[str] = []
    apart: list[str] = []
    for term, (first, second) in terms.items():
        name, ratio = term.replace("_", " "), max(first, second) / min(first, second) - 1
        against = f"{name} {_short(first)} against {_short(second)}"
        if ratio <= EQUAL:
            equal.append(f"{name} ({_short(first)})")
        elif term.startswith("parameters") and ratio <= APART:
            near.append(f"{against}, within {100 * APART:g} %")
        else:
            apart.append(against)
    parts = [f"equal {', '.join(equal)}"] if equal else []
    return "; ".join(parts + near + ([f"warning: {', '.join(apart)}"] if apart else []))


def _short(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")
