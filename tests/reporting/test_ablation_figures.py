"""Ablation figures, from what they draw."""

from dataclasses import replace

from sweettok.reporting.ablation_figures import ablation_curves, trade_off
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


def test_reconstruction_against_generation(complete_outputs):
    """In the fixture samples are the further away, the better a variant reconstructs."""
    results = collect(complete_outputs)

    def sampled(cell):
        distance = 10 * cell.summary["metrics"]["psnr"]["value"]
        metrics = {"frechet_video/judge": {"value": distance}}
        return replace(cell, summary=cell.summary | {"generation": {"metrics": metrics}})

    shown = {"full", "coupled", "downsample"}
    cells = [sampled(cell) if cell.variant in shown else cell for cell in results.cells]
    figure = trade_off(replace(results, cells=tuple(cells)))
    assert [panel.get_title() for panel in figure.axes] == [
        "rank correlation over 3 variants: +1.00",
        "rank correlation over 3 variants: -1.00",
    ]
    assert set(figure.axes[0].get_legend_handles_labels()[1]) == shown
    two = [cell for cell in cells if cell.variant != "full"]
    assert trade_off(results) is trade_off(replace(results, cells=tuple(two))) is None
