"""All tested claims in one chart: effect and interval in units of the smallest effect of interest, verdict by colour and word."""

from collections.abc import Sequence
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sweettok.reporting.claims import Finding, Verdict
from sweettok.reporting.style import COLOURS, GREY

VERDICT_COLOURS = {
    "supported": COLOURS[2],
    "contradicted": COLOURS[5],
    "equivalent": COLOURS[0],
    "inconclusive": GREY,
}
HOLDS = {"better": "", "same": " [holds within the grey]", "not worse": " [holds right of -1]"}  # by a claim's aim
LABEL_WIDTH = 60  # letters a line


def forest_plot(found: Sequence[Verdict]) -> Figure | None:
    """Filled: the first seeds; open, below it: the seeds of the replication. None where no claim was tested."""
    tested = [one for one in found if one.outcome != "not run"]
    if not tested:
        return None
    figure = Figure(figsize=(10, 1.3 + 0.5 * len(tested)))
    panel = figure.subplots()
    panel.set_xscale("symlog", linthresh=2, linscale=1.5)
    panel.axvspan(-1, 1, color="#EFEFEF", zorder=0)
    panel.axvline(0, color="black", linewidth=0.9)
    for place, one in enumerate(tested):
        colour = VERDICT_COLOURS[one.outcome]
        _estimate(panel, one.discovery, one.rule.smallest_effect, place, colour, filled=True)
        if one.replication:
            _estimate(panel, one.replication, one.rule.smallest_effect, place + 0.25, colour, filled=False)
        panel.text(
            1.01, place, _words(one), color=colour, fontsize=8, va="center", transform=panel.get_yaxis_transform()
        )
    labels = [f"{one.claim.table}: {one.claim.statement}{HOLDS[one.claim.test.aim]}" for one in tested]
    panel.set_yticks(range(len(tested)), [fill(label, LABEL_WIDTH) for label in labels], fontsize=8)
    panel.set_ylim(len(tested) - 0.4, -0.6)
    reach = max(3.0, *(abs(edge) for edge in panel.get_xlim()))
    panel.set_xlim(-reach, reach)
    panel.set_xticks([side * edge for edge in (1, 2, 5, 10, 20, 50, 100) if edge <= reach for side in (-1, 1)] + [0])
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.minorticks_off()
    panel.grid(axis="y", visible=False)
    panel.set_xlabel(
        "effect / smallest effect of interest: right of zero supports the claim, grey is too small to matter"
    )
    return figure


def _words(verdict: Verdict) -> str:
    """The verdict, and below it what a reader must know of the second seeds."""
    if verdict.replication is None:
        return f"{verdict.outcome}\nno second seeds"
    return verdict.outcome if verdict.replicated else f"{verdict.outcome}\nnot replicated"


def _estimate(panel: Axes, finding: Finding, unit: float, place: float, colour: str, filled: bool) -> None:
    primary = finding.measured.primary
    if primary is None:
        return
    if primary.interval:
        panel.plot([edge / unit for edge in primary.interval], (place, place), color=colour, linewidth=2)
    face = colour if filled else "white"
    panel.plot(primary.mean / unit, place, marker="o", markersize=6, color=colour, markerfacecolor=face)
