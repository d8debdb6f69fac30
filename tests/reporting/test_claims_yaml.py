"""claims.yaml is complete and agrees with the profiles; a mistake in such a file is one readable line."""

from pathlib import Path

import pytest
import yaml

from sweettok.errors import InputError
from sweettok.params import load_params
from sweettok.reporting.ablation import LEARNED_GAIN
from sweettok.reporting.claims import PATH, load_claims
from sweettok.reporting.rules.ruling import SEEDS_NEEDED

ROOT = Path(__file__).parents[2]
PROFILES = [load_params(path) for path in (ROOT / "params.yaml", *sorted((ROOT / "profiles").glob("*.yaml")))]


def test_every_table_of_claims_is_there():
    assert {"T1", "T2", "T3", "T4", "T5", "T6", "T7"} <= {claim.table for claim in load_claims().claims}


def test_the_rules_state_the_code_s_numbers():
    rules = load_claims().rules
    assert f"{LEARNED_GAIN} dB" in rules["better_than"].decision
    for kind in ("better_than", "probe_contrast", "few_shot", "scaling", "stability"):
        assert f"{SEEDS_NEEDED} seeds" in rules[kind].decision, kind


@pytest.mark.parametrize("params", PROFILES, ids=lambda params: params.profile)
def test_a_profile_runs_the_variants_of_its_claims(params):
    for claim in load_claims().claims:
        if claim.profile == params.profile:
            assert set(claim.variants) <= set(params.ablation.matrix.variants), claim.statement


def test_the_default_profile_has_claims():
    assert PROFILES[0].profile in {claim.profile for claim in load_claims().claims}


def change(path: Path, edit) -> Path:
    content = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda c: c["claims"][0].update(tabel="T4"), "claims.0.tabel: "),
        (lambda c: c["claims"][0]["test"].update(beter="lc"), "claims.0.test.better_than.beter: "),
        (lambda c: c["claims"][0]["test"].pop("worse"), "claims.0.test.better_than.worse: .*required"),
        (lambda c: c["claims"][1]["test"].update(kind="best"), "claims.1.test: .*'best'.*'better_than'"),
        (lambda c: c["claims"][0]["test"].pop("kind"), "claims.0.test: "),
        (lambda c: c["claims"][0].update(statement=3), "claims.0.statement: .*got 3"),
        (lambda c: c["rules"].pop("keeps"), "rules .*keeps"),
        (lambda c: c["claims"].append(c["claims"][0]), "claims .*twice: Decoupled"),
        (lambda c: c.update(claims=[]), "claims: .*1 item"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path, edit, named):
    path = change(tmp_path / "claims.yaml", edit)
    with pytest.raises(InputError, match=named) as error:
        load_claims(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["claims: [", "", "- a\n- b\n"])
def test_no_claims_file_at_all(tmp_path, text):
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load_claims(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(InputError, match="absent.yaml"):
        load_claims(tmp_path / "absent.yaml")


def test_a_margin_is_positive(tmp_path):
    def edit(content):
        (test,) = (claim["test"] for claim in content["claims"] if claim["test"]["kind"] == "keeps")
        test["margin_db"] = -1.0

    with pytest.raises(InputError, match="margin_db: .*got -1.0"):
        load_claims(change(tmp_path / "claims.yaml", edit))
