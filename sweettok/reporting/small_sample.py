"""The bias of small samples: Frechet distances at several numbers of clips, as a table and as a figure."""

from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sweettok.reporting.collect import Results
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.style import COLOURS, GREY
from sweettok.reporting.table import Content, Number, Row, Table

LIMIT = ":limit"
UNTRUSTED = "fewer clips than features: not to be trusted"


def curves(results: Results) -> dict[tuple[str, str], dict[str, Any]]:
    """(whose clips, metric) -> record of a limit, with its curve."""
    found = {
        "reconstructions": results.methods.get("sweettok", {}).get("metrics", {}),
        "samples": (results.generation or {}).get("metrics", {}),
    }
    return {
        (clips, name.removesuffix(LIMIT)): record
        for clips, records in found.items()
        for name, record in records.items()
        if name.endswith(LIMIT)
    }


def size_table(results: Results) -> Table | None:
    """The table small_sample, one row a distance and one column a number of clips; None where none was asked for."""
    found = curves(results)
    if not found:
        return None
    rows: list[Row] = []
    sizes: set[int] = set()
    for (clips, metric), record in found.items():
        curve = record["protocol"]["curve"]
        points = zip(curve["sizes"], curve["means"], curve["spreads"], strict=True)
        ours: dict[str, Content] = {f"n = {size}": Number(mean, std=spread) for size, mean, spread in points}
        ours["limit"] = replace(Number.of(record), remark="" if curve["full_rank"] else UNTRUSTED)
        rows.append(Row(f"{clips}, {metric}", ours | {"fit": Number(curve["fit"])}))
        sizes |= set(curve["sizes"])
    first = (*(f"n = {size}" for size in sorted(sizes)), "limit", "fit")
    return declared_table("small_sample", rows, results.setting, first=first)


def size_curves(results: Results) -> Figure | None:
    """One panel a distance: means over 1 / n and the fitted line. None where no curve was asked for."""
    found = curves(results)
    if not found:
        return None
    across = min(3, len(found))
    down = -(-len(found) // across)
    figure = Figure(figsize=(4 * across, 3.2 * down))
    panels = figure.subplots(down, across, squeeze=False).flatten()
    for panel, ((clips, metric), record) in zip(panels, found.items(), strict=False):
        curve = record["protocol"]["curve"]
        inverse = 1 / np.array(curve["sizes"])
        spreads = [spread or 0.0 for spread in curve["spreads"]]
        ends = np.array([0.0, inverse.max()])
        panel.plot(ends, curve["limit"] + curve["slope"] * ends, color=GREY, linestyle="--")
        panel.errorbar(inverse, curve["means"], spreads, color=COLOURS[0], marker="o", linestyle="none", capsize=3)
        panel.set(title=f"{clips}\n{metric}", xlabel="1 / number of clips")
    for panel in panels[len(found) :]:
        panel.set_axis_off()
    return figure
