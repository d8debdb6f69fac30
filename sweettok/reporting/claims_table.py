"""The verdicts as readers see them: a table of the claims that were tested, a line for those that were not, the rules."""

from collections.abc import Sequence

from sweettok.reporting.claims import Finding, Verdict, load_claims
from sweettok.reporting.in_words import changes_it, why
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.table import NOTHING, Content, Entry, Number, Row, Table


def claims_table(found: Sequence[Verdict]) -> Table:
    """One row a claim that has been tested; in the notes how to read it, how many decide, and what was not tested."""
    rows = tuple(
        Row(
            one.claim.table,
            {
                "claim": one.claim.statement,
                "verdict at this scale": Entry(one.outcome, strong=True),
                "decided by": f"{one.rule.primary} ({one.rule.unit})",
                "effect": _effect(one.discovery),
                "again with other seeds": _effect(one.replication) if one.replication else "no second seeds",
                "smallest of interest": Number(one.rule.smallest_effect, as_printed=True),
                "detectable here": Number(one.detectable),
                "beside it": "; ".join(
                    f"{name} {Number(other.mean, other.interval).text()}"
                    for name, other in one.discovery.measured.secondary.items()
                )
                or NOTHING,
                "why": why(one),
                "what would change it": changes_it(one),
                "paper": one.claim.published,
            },
        )
        for one in found
        if one.outcome != "not run"
    )
    return declared_table("claims", rows, notes=[_family(found), *not_run(found)])


def _effect(found: Finding) -> Content:
    primary = found.measured.primary
    return Number(primary.mean, primary.interval) if primary else Number(None, remark=found.measured.open_because)


def _family(found: Sequence[Verdict]) -> str:
    """How many claims decide together, how many of them are decided, and again by other seeds; what pairing is worth."""
    family = [one for one in found if one.outcome != "not run" and not one.discovery.measured.open_because]
    decided = [one for one in family if one.discovery.outcome != "inconclusive"]
    again = sum(one.replicated for one in decided)
    repeated = f"{again} of them again by other seeds" if any(one.replication for one in found) else "no second seeds"
    text = f"Family: {len(family)} claims decide together, {len(decided)} of them decided, {repeated}."
    shares = [one.discovery.measured.primary.pairing for one in family if one.discovery.measured.primary]
    known = [100 * share for share in shares if share is not None]
    worth = (
        f" Pairing by seed and clip removes {min(known):.0f} to {max(known):.0f} % of their variance." if known else ""
    )
    return text + worth


def not_run(found: Sequence[Verdict]) -> list[str]:
    """A line for each reason that claims were not tested for: which profile would, or why none does."""
    claims: dict[str, list[str]] = {}
    for one in found:
        if one.outcome == "not run":
            claims.setdefault(why(one), []).append(f"{one.claim.statement} ({one.claim.table})")
    return [f"{reason}: {'; '.join(statements)}." for reason, statements in claims.items()]


def rules() -> list[str]:
    """How all claims are decided, then a line for every kind of claim that can be tested."""
    file = load_claims()
    return [file.decision] + [
        f"Claims of the kind *{kind.replace('_', ' ')}*. {rule.statistic} Smallest effect of interest: {rule.smallest_effect:g} "
        f"{rule.unit}. {rule.because} Fixed {rule.fixed}; known by then: {rule.known}"
        for kind, rule in file.rules.items()
        if kind != "not_tested"
    ]
