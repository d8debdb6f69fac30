"""Charts of what tokens know: few-shot, the disentanglement matrix, and words that captions share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweettok.reporting.collect import Results
from sweettok.reporting.semantic_tables import factor_name, few_shot_name
from sweettok.reporting.style import COLOURS, GREY

COLOUR_OF = {"appearance": COLOURS[0], "motion": COLOURS[1], "spatial": COLOURS[0], "temporal": COLOURS[1]}
LIGHT_INK_BELOW = 0.55  # of the colour scale


def semantics_maps(results: Results) -> Figure | None:
    """Few-shot accuracy and probe accuracy as heat maps; the probes' differences and the words' information as points."""
    semantics = results.semantics or {}
    few_shot, probes = semantics.get("few_shot", []), semantics.get("probes", [])
    if not few_shot and not probes:
        return None
    lines = max(6, len({few_shot_name(entry) for entry in few_shot}), len({entry["factor"] for entry in probes}))
    figure = Figure(figsize=(13, 3 + 0.6 * lines))
    (left, right), (below, last) = figure.subplots(2, 2, height_ratios=(1.25, 1))
    shares = {(few_shot_name(entry), entry["representation"]): entry["accuracy"] for entry in few_shot}
    chance = {few_shot_name(entry): 1 / entry["ways"] for entry in few_shot}
    _heat_map(left, shares, chance, "few-shot accuracy")
    shares = {(factor_name(entry), entry["tokens"]): entry["accuracy"] for entry in probes}
    chance = {factor_name(entry): entry["chance"] for entry in probes}
    _heat_map(right, shares, chance, "probe accuracy [95 % interval]", intervals=True)
    _points(
        below,
        [(factor_name(entry), entry["kind"], entry["difference"]) for entry in semantics.get("probe_differences", [])],
        "probe accuracy: spatial - temporal tokens",
        "< temporal tokens know more          spatial tokens know more >",
    )
    _points(
        last,
        [
            (f"{entry['tokens']}: {entry['part_of_speech']}s", entry["tokens"], entry["excess"])
            for entry in semantics.get("mutual_information", [])
        ],
        "what words tell of the caption's words, above chance",
        "bits",
    )
    return figure


def _heat_map(
    panel: Axes,
    records: Mapping[tuple[str, str], Mapping[str, Any]],
    chance: Mapping[str, float],
    title: str,
    intervals: bool = False,
) -> None:
    """(row, column) -> record of a share; the colour says how far it is from the row's chance to 1."""
    rows, columns = (list(dict.fromkeys(key[axis] for key in records)) for axis in (0, 1))
    panel.set_title(title)
    if not records:
        panel.set_axis_off()
        return
    above = np.full((len(rows), len(columns)), np.nan)
    for (row, column), record in records.items():
        place = rows.index(row), columns.index(column)
        above[place] = (record["value"] - chance[row]) / max(1e-9, 1 - chance[row])
        text = f"{record['value']:.2f}"
        if intervals and record["interval"]:
            text += " [{:.2f}, {:.2f}]".format(*record["interval"])
        ink = "white" if above[place] < LIGHT_INK_BELOW else "black"
        panel.text(place[1], place[0], text, ha="center", va="center", color=ink, fontsize=7)
    image = panel.imshow(above, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    panel.figure.colorbar(image, ax=panel, ticks=(0, 1), fraction=0.03).ax.set_yticklabels(["chance\nor less", "1"])
    panel.set_xticks(range(len(columns)), [name.replace("_", " ") for name in columns], rotation=20, ha="right")
    panel.set_yticks(range(len(rows)), [f"{row} (chance {chance[row]:.2f})" for row in rows])
    panel.grid(visible=False)


def _points(panel: Axes, lines: Sequence[tuple[str, str | None, Mapping[str, Any]]], title: str, unit: str) -> None:
    """One line a (name, what it belongs to, record): a dot and its interval; filled where the interval leaves out zero."""
    panel.set_title(title)
    if not lines:
        panel.set_axis_off()
        return
    for place, (_, belongs, record) in enumerate(lines):
        low, high = record["interval"]
        colour = COLOUR_OF.get(belongs or "", GREY)
        decided = low > 0 or high < 0
        panel.plot((low, high), (place, place), color=colour)
        panel.plot(record["value"], place, marker="o", color=colour, markerfacecolor=colour if decided else "white")
    for belongs in dict.fromkeys(belongs for _, belongs, _ in lines if belongs in COLOUR_OF):
        panel.plot([], [], color=COLOUR_OF[belongs], marker="o", label=belongs)
    panel.axvline(0, color=GREY, linewidth=0.9)
    panel.set_yticks(range(len(lines)), [name for name, _, _ in lines])
    panel.set_ylim(len(lines) - 0.4, -0.6)
    panel.set_xlabel(f"{unit}\n(filled: the 95 % interval leaves out zero)")
    if any(belongs in COLOUR_OF for _, belongs, _ in lines):
        panel.legend(loc="best")
