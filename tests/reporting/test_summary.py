"""What the README takes over from a report."""

from pathlib import Path

import pytest

from sweettok.reporting.claims import verdicts
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.readme import with_included
from sweettok.reporting.summary import KEPT, summary, verdict_table


@pytest.fixture
def results(complete_outputs: Path) -> Results:
    return collect(complete_outputs)


def rows(table: str) -> dict[str, list[str]]:
    """First entry of a row -> its others."""
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {line[0]: line[1:] for line in lines[1:]}


def test_a_row_a_tokenizer_with_its_bits_and_what_it_keeps(results: Results):
    text = summary(results)
    method, found = results.methods["sweettok"], rows(text)
    assert set(found) >= {"SweetTok", "mean colour"} and len(found) == len(results.methods)
    bits, psnr, *_ = found["SweetTok"]
    assert bits == f"{method['bits']:,.0f}" and psnr == f"{method['metrics']['psnr']['value']:.2f}"
    kept = [name for name in KEPT if name in method["retention"]]
    shown = found["SweetTok"][-len(kept) :]
    assert [entry.split()[0] for entry in shown] == [f"{method['retention'][name]['value']:.2f}" for name in kept]
    assert dict(zip(kept, shown, strict=True))["motion"] == "0.80 (below the threshold of 0.9)"
    consistency = results.generation["metrics"]["class_consistency"]
    assert f"in {100 * consistency['value']:.0f} % of {consistency['n']} samples" in text


def test_missed_thresholds_are_named(results: Results):
    last = summary(results).splitlines()[-1]
    assert (
        last.startswith("Thresholds: ") and "retention of SweetTok: motion is 0.8000, at least 0.9 is required" in last
    )


def test_nothing_has_run():
    assert summary(Results("test")) == ""
    assert rows(verdict_table(verdicts(Results("test")))) == {}


def test_a_row_a_claim_that_was_tested(results: Results):
    found = verdicts(results)
    table = verdict_table(found)
    tested = [one for one in found if one.outcome != "not run"]
    assert tested and len(table.splitlines()) == 2 + len(tested)
    for one in tested:
        assert f"| {one.claim.statement} | **{one.outcome}** |" in table


def test_files_are_included_anew(tmp_path: Path):
    (tmp_path / "a.md").write_text("new\n")
    page = "before\n<!-- a.md -->\nold\nlines\n<!-- end -->\nafter <!-- no file -->\n"
    fresh = with_included(page, tmp_path)
    assert fresh == "before\n<!-- a.md -->\nnew\n<!-- end -->\nafter <!-- no file -->\n"
    assert with_included(fresh, tmp_path) == fresh
