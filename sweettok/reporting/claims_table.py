"""The verdicts as readers see them: a table of the claims that were tested, a line for those that were not, the rules."""

from collections.abc import Sequence

from sweettok.reporting.claims import Verdict, load_claims
from sweettok.reporting.multiplicity import in_words, multiplicity
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.rules.ruling import Effect
from sweettok.reporting.table import Entry, Number, Row, Table


def claims_table(found: Sequence[Verdict]) -> Table:
    """One row a claim that has been tested; in the notes how to read it, what chance explains, and what was not tested."""
    rows = tuple(
        Row(
            one.claim.table,
            {
                "claim": one.claim.statement,
                "verdict at this scale": Entry(one.ruling.verdict, strong=True),
                "measured": "; ".join(f"{name} {_in_words(effect)}" for name, effect in one.ruling.effects.items()),
                "why": one.ruling.reason,
                "paper": one.claim.published,
            },
        )
        for one in found
        if one.ruling.verdict != "not run"
    )
    first = ("claim", "verdict at this scale", "measured", "why", "paper")
    chance = in_words(multiplicity(found))
    return declared_table("claims", rows, first=first, notes=[*([chance] if chance else []), *not_run(found)])


def not_run(found: Sequence[Verdict]) -> list[str]:
    """A line for each reason that claims were not tested for: which profile would, or why none does."""
    claims: dict[str, list[str]] = {}
    for one in found:
        if one.ruling.verdict != "not run":
            continue
        why = f"No experiment here: {one.ruling.reason}"
        if one.claim.test.kind != "not_tested":
            why = f"Not run here, part of the profile `{one.claim.profile}`"
        claims.setdefault(why, []).append(f"{one.claim.statement} ({one.claim.table})")
    return [f"{why}: {'; '.join(statements)}." for why, statements in claims.items()]


def rules() -> list[str]:
    """A line for every kind of claim that can be tested."""
    return [
        f"Claims of the kind *{kind.replace('_', ' ')}*. {rule.statistic} {rule.decision} Fixed: {rule.fixed}"
        for kind, rule in load_claims().rules.items()
        if kind != "not_tested"
    ]


def _in_words(effect: Effect) -> str:
    text = Number(effect.value, effect.interval).text()
    return text if effect.effect_size is None else f"{text}, g {effect.effect_size:.2f}"
