"""The picture of `sweettok protocols`: the number under every protocol, and with one choice changed."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweettok.api.protocol_comparison import shown
from sweettok.metrics.protocol import in_words

COLOURS = {"protocols": "#4477AA", "choices": "#CC6677"}


def protocol_figure(found: dict[str, Any], extractor: str) -> Figure:
    """Two panels with one axis; found: of `compare_protocols`. The band is the sampling interval of the base protocol.

    Other extractors have other scales, and are left out.
    """
    base = next(row["record"] for row in found["protocols"] if row["protocol"] == found["base"])
    choices = [row for row in found["choices"] if row["choice"] != "extractor"]
    labels = {
        "protocols": [_with_changes(row) for row in found["protocols"]],
        "choices": [f"{row['choice']}: {shown(row['was'])} -> {shown(row['value'])}" for row in choices],
    }
    records = {
        "protocols": [row["record"] for row in found["protocols"]],
        "choices": [row["record"] for row in choices],
    }
    heights = [max(1, len(rows)) for rows in records.values()]
    figure = Figure(figsize=(9, 1.6 + 0.3 * sum(heights)), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    for panel, (name, rows) in zip(panels, records.items(), strict=True):
        _draw(panel, labels[name], rows, base, COLOURS[name])
    panels[0].set_title("under every protocol", fontsize=10)
    panels[1].set_title(f"{found['base']} with one choice changed", fontsize=10)
    panels[1].set_xlabel(f"Frechet distance on {extractor}; band: {found['base']} with its 95 % sampling interval")
    return figure


def _draw(panel: Axes, labels: list[str], records: list[dict[str, Any]], base: dict[str, Any], colour: str) -> None:
    panel.axvline(base["value"], color="black", linewidth=0.8)
    if base["interval"]:
        panel.axvspan(*base["interval"], color="#DDDDDD", zorder=0)
    for place, entry in enumerate(records):
        panel.plot(entry["value"], place, "o", color=colour, markersize=5)
        if entry["interval"]:
            panel.plot(entry["interval"], (place, place), color=colour, linewidth=1.5)
    panel.set_yticks(range(len(labels)), labels, fontsize=8)
    panel.set_ylim(len(labels) - 0.5, -0.5)


def _with_changes(row: dict[str, Any]) -> str:
    """`larp (frames=9)`: a protocol, and what the files did not allow."""
    return f"{row['protocol']} ({in_words(row['changed'])})" if row["changed"] else row["protocol"]
