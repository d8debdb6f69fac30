"""What readers see of the verdicts: none is lost, what has not run takes little room."""

from pathlib import Path

from sweettok.reporting.claims import verdicts
from sweettok.reporting.claims_file import load_claims
from sweettok.reporting.claims_table import claims_grid, claims_table, not_run, rules_list
from sweettok.reporting.collect import Results, collect


def test_every_claim_is_in_the_table_or_among_those_not_run(complete_outputs: Path):
    found = verdicts(collect(complete_outputs))
    in_table = {line[1].text for line in claims_grid(found).lines}
    lines = not_run(found)
    assert in_table and len(lines) <= 4
    for one in found:
        named = any(one.claim.statement in line for line in lines)
        assert (one.claim.statement in in_table) != named
        assert named == (one.ruling.verdict == "not run")
    assert any("profile `claims`" in line for line in lines)


def test_measured_shows_interval_and_effect(complete_outputs: Path):
    grid = claims_grid(verdicts(collect(complete_outputs)))
    (measured,) = (line[3].text for line in grid.lines if line[1].text == "Decoupled queries beat coupled queries")
    assert measured.startswith("psnr ") and "[" in measured and ", g " in measured


def test_nothing_run_is_said():
    text = claims_table(verdicts(Results("test")))
    assert text.count("Not run here") == 2  # of the default profile, and of `claims`


def test_every_rule_is_stated():
    assert rules_list().count("\n- ") + 1 == len(load_claims().rules) - 1
