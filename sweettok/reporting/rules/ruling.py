"""What a rule says: verdict, reason, and the effects that it goes by."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from sweettok.reporting.collect import Results
from sweettok.reporting.over_seeds import over_seeds_of

Names = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]  # of a claim in claims.yaml
Outcome = Literal["supported", "contradicted", "inconclusive", "not run"]
SEEDS_NEEDED = 3
EQUAL = 1e-9  # relative: rounding
APART = 0.05  # parameter counts further apart than this make a comparison unfair
TERMS = ("tokens", "bits", "parameters", "parameters_trained", "steps")  # what two variants should have in equal number


@dataclass(frozen=True)
class Effect:
    """A statistic with its 95 % interval (None where it has none).

    side         1 where the whole interval is on the claim's side, -1 where it is on the other, 0 where that is open
    effect_size  standardised over seeds, None where that is not defined
    p_value      of Student's t over `seeds` seeds, None where the effect is not a mean over seeds
    decides      whether the rule goes by it; one that does not is shown beside those that do
    details      all there is to know of it, for results.json
    """

    value: float
    interval: tuple[float, float] | None
    side: int
    effect_size: float | None = None
    p_value: float | None = None
    seeds: int = 0
    decides: bool = True
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def over_seeds(cls, per_seed: Mapping[int, float], higher_is_better: bool = True, decides: bool = True) -> "Effect":
        """Of a claim that a difference, one a seed, is above zero (or below it)."""
        found = over_seeds_of(per_seed)
        return cls(
            value=found.mean,
            interval=found.interval,
            side=side_of(found.interval) * (1 if higher_is_better else -1),
            effect_size=found.effect_size,
            p_value=found.p_value,
            seeds=len(found.per_seed),
            decides=decides,
            details=asdict(found),
        )


@dataclass(frozen=True)
class Ruling:
    """verdict; reason: one sentence; effects: name -> effect, in the order of the page; terms: what the two sides have
    in common or not, e.g. "bits" -> (560.1, 662.8)."""

    verdict: Outcome
    reason: str
    effects: Mapping[str, Effect] = field(default_factory=dict)
    terms: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def side_of(interval: tuple[float, float] | None, null: float = 0.0) -> int:
    """1 where the interval lies above `null`, -1 below, 0 where it includes it or there is none."""
    if interval is None or interval[0] <= null <= interval[1]:
        return 0
    return 1 if interval[0] > null else -1


def not_run(variants: Iterable[str]) -> Ruling:
    """The ruling on two variants without a seed in common."""
    return Ruling("not run", f"{' and '.join(variants)} share no finished seed")


def decided(
    effects: Mapping[str, Effect],
    rule: Callable[[Mapping[str, Effect]], tuple[Outcome, str]],
    open_because: str,
    terms: Mapping[str, tuple[float, float]] | None = None,
) -> Ruling:
    """The ruling by `by_any` or `by_all`, or inconclusive where something leaves it open whatever the intervals are."""
    undecided: tuple[Outcome, str] = ("inconclusive", open_because)
    verdict, reason = undecided if open_because else rule(effects)
    return Ruling(verdict, "; ".join(part for part in (reason, fairness(terms or {})) if part), effects, terms or {})


def by_any(effects: Mapping[str, Effect]) -> tuple[Outcome, str]:
    """(verdict, reason): at least one effect on a side and none on the other decides."""
    in_favour, against = _names(effects, 1), _names(effects, -1)
    if in_favour and against:
        return "inconclusive", f"they disagree: {', '.join(in_favour)} for it, {', '.join(against)} against it"
    if in_favour:
        return "supported", f"decided by {', '.join(in_favour)}"
    if against:
        return "contradicted", f"decided by {', '.join(against)}"
    return "inconclusive", "every interval leaves it open"


def by_all(effects: Mapping[str, Effect]) -> tuple[Outcome, str]:
    """(verdict, reason): for the claim all effects must speak, against it one is enough."""
    in_favour, against = _names(effects, 1), _names(effects, -1)
    if against:
        return "contradicted", f"against it: {', '.join(against)}"
    if len(in_favour) == len(effects):
        return "supported", f"decided by {' and '.join(in_favour)}"
    missing = [name for name in effects if name not in in_favour]
    return "inconclusive", f"left open by {', '.join(missing)}"


def _names(effects: Mapping[str, Effect], side: int) -> list[str]:
    return [name for name, effect in effects.items() if effect.side == side]


def few_seeds(seeds: Iterable[int]) -> str:
    """Why these seeds decide nothing; empty where they are enough."""
    count = len(set(seeds))
    return "" if count >= SEEDS_NEEDED else f"{count} seed{'s' if count > 1 else ''}, the rule asks for {SEEDS_NEEDED}"


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
