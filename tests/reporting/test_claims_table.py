"""What readers see of the verdicts: none is lost, what has not run takes little room."""

from dataclasses import replace
from pathlib import Path

from sweettok.reporting.claims import load_claims, verdicts
from sweettok.reporting.claims_table import claims_table, not_run, rules
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.table import to_markdown

COUPLED = "Decoupled queries beat coupled queries"


def row(results: Results, statement: str = COUPLED) -> dict:
    rows = [dict(row.ours) for row in claims_table(verdicts(results)).rows]
    return next(ours for ours in rows if ours["claim"] == statement)


def test_every_claim_is_in_the_table_or_among_those_not_run(complete_outputs: Path):
    found = verdicts(collect(complete_outputs))
    in_table = {row.ours["claim"] for row in claims_table(found).rows}
    lines = not_run(found)
    assert in_table and len(lines) <= 4
    for one in found:
        named = any(one.claim.statement in line for line in lines)
        assert (one.claim.statement in in_table) != named
        assert named == (one.outcome == "not run")
    assert any("profile `claims`" in line for line in lines)


def test_a_row_shows_effect_interval_and_what_it_could_have_seen(complete_outputs: Path):
    shown = row(collect(complete_outputs))
    assert shown["effect"].value > 0.5 and len(shown["effect"].interval) == 2
    assert shown["decided by"] == "psnr (dB)" and shown["smallest of interest"].value == 0.25
    assert 0 < shown["detectable here"].value < shown["effect"].value
    assert shown["again with other seeds"] == "no second seeds"
    assert "perceptual/judge" in shown["beside it"] and "frechet_video/judge" in shown["beside it"]


def test_a_replication_stands_beside_it_and_the_family_counts_it(complete_outputs: Path):
    results = collect(complete_outputs)
    again = tuple(replace(cell, seed=cell.seed + 10) for cell in results.cells)
    both = replace(results, cells=(*results.cells, *again), replication=frozenset({10, 11, 12}))
    shown = row(both)
    assert shown["again with other seeds"] == shown["effect"]
    assert not any("no second seeds" in note for note in claims_table(verdicts(both)).notes)
    assert any("no second seeds" in note for note in claims_table(verdicts(results)).notes)


def test_nothing_run_is_said():
    text = to_markdown(claims_table(verdicts(Results("test"))))
    assert text.count("Not run here") == 3  # of the default profile, of `claims` and of `peers`


def test_every_rule_is_stated():
    assert rules()[0] == load_claims().decision and len(rules()) == len(load_claims().rules)
