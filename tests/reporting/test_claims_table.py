"""What readers see of the verdicts: none is lost, what has not run takes little room."""

from pathlib import Path

from sweettok.reporting.claims import load_claims, verdicts
from sweettok.reporting.claims_table import claims_table, not_run, rules
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.table import to_markdown


def test_every_claim_is_in_the_table_or_among_those_not_run(complete_outputs: Path):
    found = verdicts(collect(complete_outputs))
    in_table = {row.ours["claim"] for row in claims_table(found).rows}
    lines = not_run(found)
    assert in_table and len(lines) <= 4
    for one in found:
        named = any(one.claim.statement in line for line in lines)
        assert (one.claim.statement in in_table) != named
        assert named == (one.ruling.verdict == "not run")
    assert any("profile `claims`" in line for line in lines)


def test_measured_shows_interval_and_effect(complete_outputs: Path):
    rows = [row.ours for row in claims_table(verdicts(collect(complete_outputs))).rows]
    (measured,) = (row["measured"] for row in rows if row["claim"] == "Decoupled queries beat coupled queries")
    assert measured.startswith("psnr ") and "[" in measured and ", g " in measured


def test_nothing_run_is_said():
    text = to_markdown(claims_table(verdicts(Results("test"))))
    assert text.count("Not run here") == 2  # of the default profile, and of `claims`


def test_every_rule_is_stated():
    assert len(rules()) == len(load_claims().rules) - 1
