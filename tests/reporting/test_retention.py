"""Factor retention as a table, as a figure, and where both stand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sweettok.reporting.collect import Results, collect
from sweettok.reporting.numbers import headline_numbers
from sweettok.reporting.retention import retention_chart, retention_table
from sweettok.reporting.table import Table


@pytest.fixture(scope="module")
def results(complete_outputs: Path) -> Results:
    return collect(complete_outputs)


@pytest.fixture(scope="module")
def table(results: Results) -> Table:
    return retention_table(results)


def without_judge(results: Results) -> Results:
    return replace(results, reconstruction=results.reconstruction | {"judge": {"accuracy": {}}})


def test_real_clips_and_chance_come_first_then_methods_as_in_t1(table: Table):
    names = [row.name for row in table.rows]
    assert names[:4] == [
        "real clips (judge's accuracy)",
        "chance (the most frequent value)",
        "SweetTok",
        "SweetTok* (proxy, no compression)",
    ]
    assert "copy of the first frame" not in names  # of which the fixture has no retention
    assert [column.name for column in table.columns] == ["colour", "motion"]


def test_entries_are_the_records(table: Table):
    rows = {row.name: row.ours for row in table.rows}
    for name, value, interval in (
        ("real clips (judge's accuracy)", 0.96, (0.91, 0.98)),
        ("SweetTok", 0.8, (0.75, 0.82)),
    ):
        number = rows[name]["motion"]
        assert number.value == value and number.interval == pytest.approx(interval)
    assert rows["chance (the most frequent value)"]["motion"].value == 0.25


def test_variants_are_means_over_seeds(table: Table):
    row = next(row for row in table.rows if row.name == "learned codebook (ablation)")
    entry = row.ours["motion"]
    assert (
        entry.value == pytest.approx(0.8 * 0.91) and entry.std == pytest.approx(0.8 * 0.01) and entry.interval is None
    )
    assert "seed" not in row.protocol[0]


def test_numbers_with_entries_of_their_own_are_in_no_foot_note(table: Table):
    notes = table.footnotes.values()
    assert len(notes) == 2  # with a seed, and of variants without
    assert not any(f"{key} " in note for note in notes for key in ("accuracy", "chance", "real"))


def test_data_without_factors_have_neither_table_nor_figure(results: Results):
    for nothing in (Results("test"), without_judge(results)):
        assert retention_table(nothing) is None and retention_chart(nothing) is None


def test_the_chart_shows_accuracies(results: Results):
    figure = retention_chart(results)
    (panel,) = figure.axes
    dots = {dots.get_label(): dots.get_offsets()[:, 1].tolist() for dots in panel.collections[:-1]}
    assert list(dots)[0] == "real test clips" and dots["real test clips"] == pytest.approx([0.98, 0.96])
    assert dots["SweetTok"] == pytest.approx([0.98 * 0.96, 0.96 * 0.8])
    assert "copy of the first frame" not in dots and len(dots) == 6


def test_flat_numbers(results: Results):
    numbers = headline_numbers(results)
    assert numbers["judge.accuracy.motion"] == 0.96
    assert numbers["reconstruction.proxy.retention.motion"] == pytest.approx(0.96)
    assert not [name for name in headline_numbers(without_judge(results)) if name.startswith("judge.")]


def test_the_figure_stands_under_its_table(reports: Path):
    readme = (reports / "README.md").read_text()
    under = readme.split("### T1_retention")[1].split("### ")[0]
    assert "figures/retention.png" in under and readme.count("figures/retention.png") == 1
    page = (reports / "index.html").read_text(encoding="utf-8")
    assert "figures/retention.svg" in page.split('id="T1_retention"')[1].split("<h3")[0]
    assert "retention" in json.loads((reports / "results.json").read_text())["reconstruction"]["methods"]["sweettok"]
