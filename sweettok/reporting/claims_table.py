"""The verdicts as readers see them: a table of the claims that were tested, a line for those that were not, the rules."""

from collections.abc import Sequence

from sweettok.reporting.claims import Verdict
from sweettok.reporting.claims_file import load_claims
from sweettok.reporting.grid import Cell, Column, Grid
from sweettok.reporting.multiplicity import in_words, multiplicity
from sweettok.reporting.rules.ruling import Effect
from sweettok.reporting.table import Number

READING = (
    "Measured: the claim's first side minus its second, with the 95 % interval; g is the standardised difference over "
    "seeds (Hedges). PSNR (dB) and accuracy: positive speaks for a claim. Distances and losses: negative does. The rules, "
    "and when they were fixed, are at the end."
)


def claims_table(found: Sequence[Verdict]) -> str:
    """The verdicts as Markdown: table, note, and what has not been tested."""
    parts = [claims_grid(found).to_markdown(), claims_note(found), "\n".join(f"- {line}" for line in not_run(found))]
    return "\n\n".join(part for part in parts if part)


def claims_note(found: Sequence[Verdict]) -> str:
    """How to read the table, and what of it chance explains."""
    return " ".join(part for part in (READING, in_words(multiplicity(found))) if part)


def claims_grid(found: Sequence[Verdict]) -> Grid:
    """One line a claim that has been tested: verdict, what was measured, why, and what the paper has."""
    columns = ("", "claim", "verdict at this scale", "measured", "why", "paper")
    lines = []
    for one in found:
        if one.ruling.verdict == "not run":
            continue
        measured = "; ".join(f"{name} {_effect_in_words(effect)}" for name, effect in one.ruling.effects.items())
        verdict = Cell(one.ruling.verdict, strong=True)
        texts = map(Cell, (measured, one.ruling.reason, one.claim.published))
        lines.append((Cell(one.claim.table), Cell(one.claim.statement), verdict, *texts))
    return Grid(tuple(map(Column, columns)), tuple(lines))


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


def rules_list() -> str:
    """A Markdown list item for every kind of claim that can be tested."""
    rules = {kind: rule for kind, rule in load_claims().rules.items() if kind != "not_tested"}
    return "\n".join(
        f"- Claims of the kind *{kind.replace('_', ' ')}*. {rule.statistic} {rule.decision} Fixed: {rule.fixed}"
        for kind, rule in rules.items()
    )


def _effect_in_words(effect: Effect) -> str:
    text = Number(effect.value, effect.interval).text()
    return text if effect.effect_size is None else f"{text}, g {effect.effect_size:.2f}"
