"""The forest plot of the page: places on its axis, words behind its lines."""

from dataclasses import replace
from pathlib import Path

import pytest

from sweettok.reporting.claims import verdicts
from sweettok.reporting.claims_table import claims_table
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.web_claims import ForestPlot, forest_lines, verdict_counts


@pytest.fixture(scope="module")
def results(complete_outputs: Path) -> Results:
    return collect(complete_outputs)


def plot_of(results: Results) -> ForestPlot:
    found = verdicts(results)
    return forest_lines(found, claims_table(found))


def test_a_line_a_tested_claim(results: Results):
    tested = [one for one in verdicts(results) if one.outcome != "not run"]
    lines = plot_of(results).lines
    assert [(line.statement, line.verdict) for line in lines] == [(one.claim.statement, one.outcome) for one in tested]
    for line, one in zip(lines, tested, strict=True):
        assert line.effect.startswith(f"{one.discovery.measured.primary.mean:.2f}") and line.effect.endswith(
            one.rule.unit
        )
        assert {"why", "decided by", "beside it", "what would change it"} <= {name for name, _ in line.details}
    assert [line.holds for line in lines if line.holds] == ["holds right of -1"]


def test_places_on_the_axis(results: Results):
    plot = plot_of(results)
    ticks = {label: place for place, label in plot.ticks}
    assert ticks["0"] == 0.5 and plot.band == (ticks["-1"], ticks["1"])
    assert ticks["2"] - 0.5 == pytest.approx(0.5 - ticks["-2"])
    tested = [one for one in verdicts(results) if one.outcome != "not run"]
    for line, one in zip(plot.lines, tested, strict=True):
        (only,) = line.estimates
        assert 0 <= only.low <= only.mean <= only.high <= 1
        effect = one.discovery.measured.primary.mean / one.rule.smallest_effect
        assert (only.mean > ticks["1"]) == (effect > 1) and (only.mean < ticks["-1"]) == (effect < -1)


def test_a_replication_is_a_second_estimate(results: Results):
    cells = tuple(replace(cell, seed=cell.seed + 10) for cell in results.cells)
    lines = plot_of(replace(results, cells=(*results.cells, *cells), replication=frozenset({10, 11, 12}))).lines
    assert {tuple(one.again for one in line.estimates) for line in lines} == {(False,), (False, True)}


def test_counts_name_the_three_verdicts_always(results: Results):
    assert verdict_counts(verdicts(Results("test"))) == {"supported": 0, "contradicted": 0, "inconclusive": 0}
    found = verdicts(results)
    assert sum(verdict_counts(found).values()) == sum(one.outcome != "not run" for one in found)


def test_no_claim_tested():
    assert plot_of(Results("test")).lines == ()
