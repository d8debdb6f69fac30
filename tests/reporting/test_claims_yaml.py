"""claims.yaml is complete and agrees with the profiles; a mistake in such a file is one readable line."""

from pathlib import Path

import pytest
import yaml

from sweettok.errors import InputError
from sweettok.params import load_params
from sweettok.reporting.ablation import LEARNED_GAIN
from sweettok.reporting.claims import PATH, load_claims
from sweettok.reporting.family import FALSE_DISCOVERIES
from sweettok.reporting.paired import LEVEL, POWER

ROOT = Path(__file__).parents[2]
PROFILES = [load_params(path) for path in (ROOT / "params.yaml", *sorted((ROOT / "profiles").glob("*.yaml")))]


def test_every_table_of_claims_is_there():
    assert {"T1", "T2", "T3", "T4", "T5", "T6", "T7"} <= {claim.table for claim in load_claims().claims}


def test_the_decision_states_the_code_s_numbers():
    decision = " ".join(load_claims().decision.split())
    for number in (
        f"{LEARNED_GAIN} dB",
        f"{100 * LEVEL:g} % interval",
        f"power of {POWER}",
        f"of {100 * FALSE_DISCOVERIES:g} %",
    ):
        assert number in decision


def test_a_change_of_the_rules_has_an_entry_in_the_docs():
    rows = [line.split("|") for line in (ROOT / "docs/rules.md").read_text().splitlines() if line.startswith("| 20")]
    date, digest = rows[-1][1].strip(), rows[-1][2].strip(" `")
    assert digest == load_claims().sha256[:12], (
        f"describe the change in docs/rules.md, with {load_claims().sha256[:12]}"
    )
    assert date == max(str(rule.fixed) for rule in load_claims().rules.values())


def test_what_decides_changes_the_digest(tmp_path):
    def digest(edit):
        return load_claims(change(tmp_path / f"{edit.__name__}.yaml", edit)).sha256

    def effect(content):
        content["rules"]["better_than"]["smallest_effect"] = 0.1

    def test(content):
        content["claims"][0]["test"]["worse"] = "lc"

    def wording(content):
        content["claims"][0]["experiment"] = "The same in other words."

    assert digest(wording) == load_claims().sha256
    assert len({digest(effect), digest(test), load_claims().sha256}) == 3


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


def test_a_smallest_effect_is_positive(tmp_path):
    def edit(content):
        content["rules"]["keeps"]["smallest_effect"] = -1.0

    with pytest.raises(InputError, match="smallest_effect: .*got -1.0"):
        load_claims(change(tmp_path / "claims.yaml", edit))
