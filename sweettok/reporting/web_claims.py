"""The claims as the web page shows them: a forest plot of lines that open on why the verdict is what it is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import asinh

from sweettok.reporting.claims import Finding, Verdict
from sweettok.reporting.forest import HOLDS
from sweettok.reporting.table import Table

SHOWN_IN_LINE = ("claim", "verdict at this scale")
TICKS = (1, 2, 5, 10, 20, 50, 100)
SENTENCE = ("supported", "contradicted", "inconclusive")  # named in the first sentence, also where there are none


@dataclass(frozen=True)
class Estimate:
    """Where an effect and its interval lie on the axis, in [0, 1]. again: of the seeds that only repeat."""

    mean: float
    low: float
    high: float
    again: bool


@dataclass(frozen=True)
class ClaimLine:
    """A tested claim; holds: where its effect has to lie, unless that is right of zero; details: the columns of the table of claims that the line itself does not show."""

    statement: str
    holds: str
    table: str
    verdict: str
    effect: str
    estimates: tuple[Estimate, ...]
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ForestPlot:
    """Effects in units of the smallest effect of interest. ticks: (place in [0, 1], label); band: too small to matter."""

    lines: tuple[ClaimLine, ...]
    ticks: tuple[tuple[float, str], ...]
    band: tuple[float, float]


def forest_lines(found: Sequence[Verdict], claims: Table) -> ForestPlot:
    """claims: their table, a row for each verdict that was tested, in order."""
    tested = [one for one in found if one.outcome != "not run"]
    edges = [abs(edge) for one in tested for finding in _findings(one) for edge in _edges(finding, one)]
    reach = max(3.0, *edges) if edges else 3.0

    def place(effect: float) -> float:
        """Nearly linear around zero, logarithmic far from it."""
        return 0.5 + 0.5 * asinh(effect) / asinh(reach)

    lines = []
    for one, row in zip(tested, claims.lines, strict=True):
        columns = dict(
            zip((column.name for column in claims.shown_columns), (entry.text for entry in row), strict=True)
        )
        estimates = []
        for finding in _findings(one):
            low, mean, high = map(place, _edges(finding, one))
            estimates.append(Estimate(mean, low, high, finding is one.replication))
        details = tuple((name, text) for name, text in columns.items() if name and name not in SHOWN_IN_LINE)
        holds, claim = HOLDS[one.claim.test.aim].strip(" []"), one.claim
        lines.append(
            ClaimLine(claim.statement, holds, claim.table, one.outcome, _effect(one), tuple(estimates), details)
        )
    shown = [tick for tick in TICKS if tick <= reach]
    ticks = [*(-tick for tick in reversed(shown)), 0, *shown]
    return ForestPlot(tuple(lines), tuple((place(tick), f"{tick:g}") for tick in ticks), (place(-1), place(1)))


def verdict_counts(found: Sequence[Verdict]) -> dict[str, int]:
    """Verdict -> number of claims: those of the first sentence, then others that there are; "not run" stays out."""
    counts = Counter[str](one.outcome for one in found)
    return {outcome: counts[outcome] for outcome in dict.fromkeys([*SENTENCE, *counts]) if outcome != "not run"}


def _effect(verdict: Verdict) -> str:
    """E.g. "-0.12 [-0.72, 0.47] dB", of the first seeds."""
    primary = verdict.discovery.measured.primary
    if primary is None:
        return ""
    mean, *edges = (f"{round(value, 2) + 0.0:.2f}" for value in (primary.mean, *(primary.interval or ())))  # no "-0.00"
    return f"{mean}{f' [{edges[0]}, {edges[1]}]' if edges else ''} {verdict.rule.unit}"


def _findings(verdict: Verdict) -> list[Finding]:
    """Those that have an effect."""
    both = (verdict.discovery, verdict.replication)
    return [finding for finding in both if finding and finding.measured.primary]


def _edges(finding: Finding, verdict: Verdict) -> tuple[float, float, float]:
    """Low, mean, high in units of the smallest effect of interest."""
    primary, unit = finding.measured.primary, verdict.rule.smallest_effect
    assert primary is not None  # _findings has no others
    low, high = primary.interval or (primary.mean, primary.mean)
    return low / unit, primary.mean / unit, high / unit
