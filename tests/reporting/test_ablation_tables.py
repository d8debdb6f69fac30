"""Table T6_stability."""

from pathlib import Path

from sweettok.reporting.ablation_tables import COLLAPSED, RESTLESS, SPREAD, STEPS, stability_table
from sweettok.reporting.collect import Results, collect


def test_one_row_a_curriculum_that_has_run(complete_outputs: Path):
    """In the fixture end_to_end ends 1 dB above the mean colour, full 4.4 dB, at much the same speed."""
    rows = {row.name: row.ours for row in stability_table(collect(complete_outputs)).rows}
    assert list(rows) == ["full", "end to end"]
    assert (rows["full"][COLLAPSED].value, rows["end to end"][COLLAPSED].value) == (0, 1)
    assert 0 < rows["full"][SPREAD].value < 0.2
    assert rows["full"][RESTLESS].value > 0 and rows["full"][RESTLESS].std is not None
    assert rows["full"][STEPS].value in (240, 320)
    assert rows["end to end"][STEPS].remark == "3 of 3 never"


def test_not_run():
    (row,) = stability_table(Results("test")).rows
    assert row.remark == "not run"
