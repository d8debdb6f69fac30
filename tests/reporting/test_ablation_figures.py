"""Ablation figures, from what they draw."""

from sweettok.reporting.ablation_figures import ablation_curves
from sweettok.reporting.collect import collect


def test_curves_end_at_the_cells_last_step(complete_outputs):
    results = collect(complete_outputs)
    figure = ablation_curves(results)
    lines = [line for panel in figure.axes for line in panel.lines]
    assert lines
    for line in lines:
        assert max(line.get_xdata()) == results.cells[0].summary["steps"]


def test_no_curves_without_cells(tmp_path):
    assert ablation_curves(collect(tmp_path)) is None
