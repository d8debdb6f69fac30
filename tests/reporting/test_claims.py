"""Every claim gets a verdict, from whatever has run."""

from dataclasses import replace
from pathlib import Path

from sweettok.params import load_params
from sweettok.reporting.claims import load_claims, verdicts
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.rules.variants import BetterThan


def by_statement(results: Results) -> dict[str, str]:
    return {one.claim.statement: one.ruling.verdict for one in verdicts(results)}


ROOT = Path(__file__).parents[2]
CONTROLS = {
    name for name in load_params(ROOT / "profiles/claims.yaml").ablation.variants if "-" in name or "_tokens" in name
}


def test_verdicts_on_made_up_results(complete_outputs: Path):
    """In the fixture full is far above coupled and downsample, end_to_end unlearned, and no control has run."""
    found = by_statement(collect(complete_outputs))
    assert found["Decoupled queries beat plain down-sampling"] == "supported"
    assert found["Decoupled queries beat coupled queries"] == "supported"
    assert found["MLC beats shuffled words"] == "inconclusive"
    assert found["Three trainings beat end-to-end"] == "inconclusive"
    assert found["25 % of the tokens keep fidelity"] == "contradicted"
    assert found["Three trainings are more stable than end-to-end"] in ("supported", "contradicted", "inconclusive")
    claims = [claim for claim in load_claims().claims if claim.profile == "claims"]
    of_controls = {claim.statement for claim in claims if CONTROLS & set(map(str, claim.test.model_dump().values()))}
    assert len(of_controls) >= 8 and {found[statement] for statement in of_controls} == {"not run"}


def test_swapping_the_two_models_swaps_the_verdict(complete_outputs: Path):
    results = collect(complete_outputs)
    test = BetterThan(kind="better_than", better="downsample", worse="full")
    assert test.ruling(results).verdict == "contradicted"


def test_nothing_run():
    found = verdicts(Results("test"))
    assert len(found) == len(load_claims().claims)
    assert {one.ruling.verdict for one in found} == {"not run"}
    assert all(one.ruling.reason for one in found)


def test_one_seed_is_inconclusive(complete_outputs: Path):
    results = collect(complete_outputs)
    one_seed = replace(results, cells=tuple(cell for cell in results.cells if cell.seed == 0))
    found = {one.claim.statement: one.ruling for one in verdicts(one_seed)}
    ruling = found["Decoupled queries beat coupled queries"]
    assert ruling.verdict == "inconclusive"
    assert ruling.reason.startswith("1 seed, the rule asks for 3")


def test_json_holds_claim_rule_and_every_effect(complete_outputs: Path):
    found = {one.claim.statement: one for one in verdicts(collect(complete_outputs))}
    shown = found["Decoupled queries beat coupled queries"].as_json()
    assert shown["test"] == {"kind": "better_than", "better": "full", "worse": "coupled"}
    assert shown["verdict"] == "supported" and shown["terms"]["bits"] == (512.0, 512.0)
    psnr = shown["effects"]["psnr"]
    assert psnr["details"]["seeds"] == (0, 1, 2) and len(psnr["interval"]) == 2
    assert shown["effects"]["frechet_video/judge"]["value"] < 0 < psnr["value"]
