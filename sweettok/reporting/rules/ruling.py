"""What a rule says: verdict, reason, and the effects that it goes by."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from sweettok.reporting.ablation import Difference
from sweettok.reporting.collect import Results
from sweettok.reporting.over_seeds import OverSeeds, student_p_value

Outcome = Literal["supported", "contradicted", "inconclusive", "not run"]
SEEDS_NEEDED = 3
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
    def of_difference(cls, found: Difference) -> "Effect":
        """Of a claim that the first variant is better."""
        return cls(
            value=found.mean,
            interval=found.interval,
            side=found.direction,
            effect_size=found.effect_size,
            p_value=student_p_value(found.per_seed),
            seeds=len(found.seeds),
            details=found.as_json(),
        )

    @classmethod
    def over_seeds(cls, found: OverSeeds, higher_is_better: bool = True, decides: bool = True) -> "Effect":
        """Of a claim that the difference is above zero (or below it)."""
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

    def as_json(self) -> dict[str, Any]:
        """For results.json."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"details": dict(self.details)}


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


def undecided(why: str) -> tuple[Outcome, str]:
    """The verdict where nothing may be decided, and why."""
    return "inconclusive", why


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
    same = {term: _is_close(pair, 1e-9) for term, pair in terms.items()}
    apart = {
        term: not _is_close(pair, APART if term.startswith("parameters") else 1e-9) for term, pair in terms.items()
    }
    equal = [f"{term.replace('_', ' ')} ({_short(terms[term][0])})" for term in terms if same[term]]
    near = [_against(term, terms[term]) for term in terms if not same[term] and not apart[term]]
    unequal = [_against(term, terms[term]) for term in terms if apart[term]]
    parts = [f"equal {', '.join(equal)}"] if equal else []
    parts += [f"{one}, within {100 * APART:g} %" for one in near]
    return "; ".join(parts + ([f"warning: {', '.join(unequal)}"] if unequal else []))


def _is_close(pair: tuple[float, float], share: float) -> bool:
    return max(pair) / min(pair) - 1 <= share


def _against(term: str, pair: tuple[float, float]) -> str:
    return f"{term.replace('_', ' ')} {_short(pair[0])} against {_short(pair[1])}"


def _short(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


def with_fairness(reason: str, terms: Mapping[str, tuple[float, float]]) -> str:
    """A reason and, behind a semicolon, the terms in words."""
    return "; ".join(part for part in (reason, fairness(terms)) if part)
