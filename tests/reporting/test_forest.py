"""One chart of all claims: effects in units of the smallest effect of interest."""

from dataclasses import replace
from pathlib import Path

import pytest

from sweettok.reporting.claims import verdicts
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.forest import forest_plot


def dots(figure) -> list:
    return [line for line in figure.axes[0].lines if line.get_marker() == "o"]


def test_a_row_a_tested_claim_with_its_verdict(complete_outputs: Path):
    found = [one for one in verdicts(collect(complete_outputs)) if one.outcome != "not run"]
    figure = forest_plot(found)
    panel = figure.axes[0]
    expected = [one.discovery.measured.primary.mean / one.rule.smallest_effect for one in found]
    assert [dot.get_xdata()[0] for dot in dots(figure)] == pytest.approx(expected)
    words = [text.get_text() for text in panel.texts]
    assert words == [f"{one.outcome}\nno second seeds" for one in found]
    labels = [label.get_text().replace("\n", " ") for label in panel.get_yticklabels()]
    assert all(
        label.startswith(f"{one.claim.table}: {one.claim.statement}") for label, one in zip(labels, found, strict=True)
    )
    assert sum(label.endswith("[holds right of -1]") for label in labels) == 1
    low, high = panel.get_xlim()
    assert low == -high and all(low <= dot.get_xdata()[0] <= high for dot in dots(figure))


def test_a_replication_is_a_second_open_dot(complete_outputs: Path):
    results = collect(complete_outputs)
    cells = tuple(replace(cell, seed=cell.seed + 10) for cell in results.cells)
    found = verdicts(replace(results, cells=(*results.cells, *cells), replication=frozenset({10, 11, 12})))
    tested, again = sum(one.outcome != "not run" for one in found), sum(one.replication is not None for one in found)
    drawn = dots(forest_plot(found))
    assert 0 < again < tested and len(drawn) == tested + again
    assert sum(dot.get_markerfacecolor() == "white" for dot in drawn) == again


def test_no_claim_tested():
    assert forest_plot(verdicts(Results("test"))) is None
