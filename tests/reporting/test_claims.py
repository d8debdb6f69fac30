"""Every claim gets a verdict, from whatever has run, and a final one only where other seeds agree."""

from dataclasses import replace
from pathlib import Path

import pytest

from sweettok.params import load_params
from sweettok.reporting.claims import Verdict, load_claims, verdicts
from sweettok.reporting.collect import Results, collect

ROOT = Path(__file__).parents[2]
CONTROLS = {
    name for name in load_params(ROOT / "profiles/claims.yaml").ablation.variants if "-" in name or "_tokens" in name
}
COUPLED = "Decoupled queries beat coupled queries"


def by_statement(results: Results) -> dict[str, Verdict]:
    return {one.claim.statement: one for one in verdicts(results)}


def test_verdicts_on_made_up_results(complete_outputs: Path):
    """In the fixture full is far above coupled and downsample, end_to_end unlearned, and no control has run."""
    found = {statement: one.outcome for statement, one in by_statement(collect(complete_outputs)).items()}
    assert found["Decoupled queries beat plain down-sampling"] == found[COUPLED] == "supported"
    assert found["MLC beats shuffled words"] in ("equivalent", "inconclusive")
    assert found["Three trainings beat end-to-end"] == "inconclusive"
    assert found["25 % of the tokens keep fidelity"] == "contradicted"
    claims = [claim for claim in load_claims().claims if claim.profile == "claims"]
    of_controls = {claim.statement for claim in claims if CONTROLS & set(map(str, claim.test.model_dump().values()))}
    assert len(of_controls) >= 8 and {found[statement] for statement in of_controls} == {"not run"}


def test_nothing_run():
    found = verdicts(Results("test"))
    assert len(found) == len(load_claims().claims)
    assert {one.outcome for one in found} == {"not run"}
    assert all(one.discovery.measured.open_because for one in found)


def test_one_seed_is_inconclusive(complete_outputs: Path):
    results = collect(complete_outputs)
    one_seed = replace(results, cells=tuple(cell for cell in results.cells if cell.seed == 0))
    found = by_statement(one_seed)[COUPLED]
    assert found.outcome == "inconclusive" and found.discovery.measured.open_because.startswith("one seed")


def shifted(results: Results, by: float) -> Results:
    """Seeds 10, 11, 12 repeat every cell, those of coupled with another PSNR; they are the replication."""
    again = []
    for cell in results.cells:
        table = cell.per_clip.assign(psnr=cell.per_clip["psnr"] + (by if cell.variant == "coupled" else 0))
        again.append(replace(cell, seed=cell.seed + 10, per_clip=table))
    return replace(results, cells=(*results.cells, *again), replication=frozenset({10, 11, 12}))


@pytest.mark.parametrize(
    ("by", "again", "verdict"),
    [(0.0, "supported", "supported"), (3.0, "contradicted", "inconclusive"), (0.8, "inconclusive", "inconclusive")],
)
def test_a_verdict_holds_only_where_other_seeds_agree(complete_outputs: Path, by: float, again: str, verdict: str):
    """In the fixture full is 0.8 dB above coupled."""
    found = by_statement(shifted(collect(complete_outputs), by))[COUPLED]
    assert found.discovery.measured.primary.seeds == (0, 1, 2)
    assert found.replication.measured.primary.seeds == (10, 11, 12)
    assert (found.discovery.outcome, found.replication.outcome, found.outcome) == ("supported", again, verdict)


def test_without_other_seeds_there_is_no_replication(complete_outputs: Path):
    results = collect(complete_outputs)
    assert all(one.replication is None for one in verdicts(results))
    main_model = by_statement(shifted(results, 0.0))["25 % of the tokens keep fidelity"]
    assert (main_model.outcome, main_model.replication) == ("contradicted", None)  # its one training repeats nothing


def test_json_holds_claim_rule_and_all_that_was_found(complete_outputs: Path):
    shown = by_statement(collect(complete_outputs))[COUPLED].as_json()
    assert shown["test"] == {"kind": "better_than", "better": "full", "worse": "coupled"}
    assert shown["rule"]["primary"] == "psnr" and shown["rule"]["fixed"]
    assert shown["verdict"] == "supported" and shown["replication"] is None
    found = shown["discovery"]
    assert found["terms"]["bits"] == (512.0, 512.0) and found["primary"]["seeds"] == (0, 1, 2)
    assert found["secondary"]["frechet_video/judge"]["mean"] < 0 < found["primary"]["mean"]
