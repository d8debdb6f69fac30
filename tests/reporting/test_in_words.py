"""Why a verdict is what it is, what would change it, and claims.json."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sweettok.reporting.claims import Finding, Verdict, load_claims
from sweettok.reporting.in_words import changes_it, claims_json, verdict_tags, why
from sweettok.reporting.paired import difference_over_seeds
from sweettok.reporting.rules.measured import Measured

FILE = load_claims()
KEYS = {
    "claim",
    "table",
    "primary",
    "smallest_effect",
    "minimum_detectable",
    "discovery",
    "replication",
    "verdict",
    "reason",
}


def verdict(outcome, kind="better_than", again=None, open_because="", per_seed=(0.5, -0.2, 0.4)) -> Verdict:
    claim = next(claim for claim in FILE.claims if claim.test.kind == kind)
    primary = difference_over_seeds(dict(enumerate(per_seed))) if per_seed else None
    finding = Finding(Measured(primary, open_because), outcome, 0.05)
    return Verdict(claim, FILE.rules[kind], finding, again and replace(finding, outcome=again))


@pytest.mark.parametrize(
    ("kind", "outcome", "said"),
    [
        ("better_than", "supported", "above zero"),
        ("better_than", "equivalent", "within ±0.25 dB: no difference that matters"),
        ("equivalent", "contradicted", "beyond ±0.25 dB"),
        ("equivalent", "supported", "within ±0.25 dB"),
        ("keeps", "contradicted", "below -1 dB"),
        (
            "few_shot",
            "inconclusive",
            "not distinguishable from zero, and not shown to lie within ±0.02 share (5 % false discoveries)",
        ),
    ],
)
def test_why(kind, outcome, said):
    assert why(verdict(outcome, kind)) == said


def test_why_of_what_is_open_of_what_has_not_run_and_of_seeds_that_disagree():
    assert why(verdict("inconclusive", open_because="lc has not learned")) == "lc has not learned"
    assert why(verdict("not run", per_seed=())) == "Not run here, part of the profile `claims`"
    disagreeing = verdict("supported", again="contradicted")
    assert disagreeing.outcome == "inconclusive"
    assert why(disagreeing) == "not replicated: supported with the first seeds, contradicted with the others"


def test_what_would_change_it():
    open_one = verdict("inconclusive")
    assert changes_it(open_one) == f"{open_one.seeds_needed} seeds instead of 3 would detect 0.25 dB"
    assert open_one.seeds_needed > 3
    assert changes_it(verdict("inconclusive", per_seed=(0.1,), open_because="one seed")) == "more seeds"
    assert changes_it(verdict("supported")) == "a second set of seeds that disagrees"
    assert "another scale" in changes_it(verdict("supported", again="supported"))


def test_claims_json_is_what_the_page_shows(reports: Path):
    entries = json.loads((reports / "claims.json").read_text())
    assert [entry["claim"] for entry in entries] == [claim.statement for claim in FILE.claims]
    assert all(set(entry) >= KEYS for entry in entries)
    by_claim = {entry["claim"]: entry for entry in entries}
    coupled = by_claim["Decoupled queries beat coupled queries"]
    assert (coupled["verdict"], coupled["primary"], coupled["smallest_effect"]) == ("supported", "psnr", 0.25)
    found = coupled["discovery"]
    assert found["low"] < found["estimate"] < found["high"] and found["seeds"] == [0, 1, 2] and found["clips"] == 32
    assert coupled["replication"] is coupled["reason"] is None and 0 < coupled["minimum_detectable"] < 1
    assert set(by_claim["25 % of the tokens keep fidelity"]["reason"]) == {"scale", "data", "method"}
    shown = (reports / "README.md").read_text()
    for entry in entries:
        if entry["verdict"] != "not run":
            assert f"| {entry['claim']} | **{entry['verdict']}** |" in shown
            assert entry["why"] in shown and entry["what_would_change_it"] in shown


def test_what_has_not_run_has_no_estimate():
    (entry,) = claims_json((verdict("not run", per_seed=()),))
    assert entry["discovery"] is entry["minimum_detectable"] is entry["reason"] is None
    assert entry["what_would_change_it"] == "Not run here, part of the profile `claims`"


def test_each_claim_has_a_tag_of_its_own():
    claims = claims_json(tuple(replace(verdict("supported"), claim=claim) for claim in FILE.claims))
    tags = verdict_tags(claims)
    assert len(tags) == len(FILE.claims) and set(tags.values()) == {"supported"}
    assert "verdict.decoupled-queries-beat-coupled-queries" in tags
    assert max(map(len, tags)) <= 250  # MLflow's limit
