"""profile, check: list, show, use, diff; a bare name still uses it."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from sprite_data import sprites_data

from sweettok.params import load_params, parse_params
from sweettok.video.prepare import prepare

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_list(sweettok, arguments):
    status, out, _ = sweettok("profile", *arguments)
    assert status == 0 and [line.split()[0] for line in out.splitlines()] == sorted(
        path.stem for path in (ROOT / "profiles").glob("*.yaml")
    )
    described = json.loads(sweettok("profile", *arguments, "--json")[1])
    assert "smoke" in described and all(text.endswith(".") for text in described.values())
    assert described["weizmann"].endswith("class-conditional generation of 4 actions.")


def test_a_folder_without_profiles_is_not_a_project(sweettok, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for arguments in ((), ("show", "smoke")):
        status, _, err = sweettok("profile", *arguments)
        assert status == 1 and "not a project; run from the root" in err


def test_show(sweettok):
    whole = sweettok("profile", "show", "smoke")[1]
    assert parse_params(yaml.safe_load(whole), "shown") == load_params("profiles/smoke.yaml") and "base:" not in whole
    shown = json.loads(sweettok("profile", "show", "smoke", "--json")[1])
    assert shown == load_params("profiles/smoke.yaml").model_dump(mode="json")


@pytest.mark.parametrize("arguments", [["smoke"], ["use", "smoke"]])
def test_use_keeps_the_former_params(sweettok, project, arguments):
    before = (project / "params.yaml").read_bytes()
    status, out, _ = sweettok("profile", *arguments)
    assert status == 0 and "params.yaml is now profile smoke" in out
    assert parse_params(yaml.safe_load((project / "params.yaml").read_text()), "used") == load_params(
        "profiles/smoke.yaml"
    )
    assert (project / "params.previous.yaml").read_bytes() == before


def test_the_default_comes_back_with_its_comments(sweettok, project):
    before = (project / "params.yaml").read_bytes()
    assert sweettok("profile", "weizmann")[0] == 0 and (project / "params.yaml").read_bytes() != before
    assert sweettok("profile", "sprites")[0] == 0 and (project / "params.yaml").read_bytes() == before


def test_a_profile_that_cannot_be_used_changes_nothing(sweettok, project):
    before = (project / "params.yaml").read_bytes()
    (project / "profiles" / "mine.yaml").write_text("profile: mine\nbase: sprites\ntokenizer: {widht: 8}\n")
    for action in ("show", "use"):
        status, _, err = sweettok("profile", action, "mine")
        assert status == 1 and "profiles/mine.yaml" in err and "tokenizer.widht" in err
    assert (project / "params.yaml").read_bytes() == before and not (project / "params.previous.yaml").exists()


def test_a_copy_of_the_default_needs_its_own_name(sweettok, project):
    shutil.copy(project / "profiles" / "sprites.yaml", project / "profiles" / "copy.yaml")
    status, _, err = sweettok("profile", "copy")
    assert status == 1 and "profile: 'sprites' is not the file's name; write copy" in err


def test_diff_names_exactly_the_keys_that_differ(sweettok, project):
    (project / "profiles" / "mine.yaml").write_text("profile: mine\nbase: sprites\ntokenizer: {seed: 7}\n")
    status, out, _ = sweettok("profile", "diff", "mine", "--json")
    seed = load_params().tokenizer.seed
    differing = {
        "profile": ["sprites", "mine"],
        "tokenizer.seed": [seed, 7],
        "report.folder": ["reports", "reports/mine"],
    }
    assert status == 0 and json.loads(out)["differing"] == differing
    assert f"tokenizer.seed: {seed} -> 7" in sweettok("profile", "diff", "mine")[1]
    assert json.loads(sweettok("profile", "diff", "smoke", "smoke", "--json")[1])["differing"] == {}


@pytest.mark.parametrize(
    "arguments", [["list", "smoke"], ["show"], ["use", "smoke", "atari"], ["diff"], ["smoke", "atari"]]
)
def test_wrong_usage(sweettok, project, arguments):
    before = (project / "params.yaml").read_bytes()
    assert sweettok("profile", *arguments)[0] == 2 and (project / "params.yaml").read_bytes() == before


def test_unknown_profile_and_bad_params(sweettok, project):
    assert "no profile 'nonsense'; known: atari" in sweettok("profile", "diff", "nonsense")[2]
    (project / "params.yaml").write_text("profile: x\nnovel: 1\n")
    status, _, err = sweettok("check")
    assert status == 1 and "novel" in err


def test_check_of_a_clip_store(sweettok, tmp_path):
    prepare(sprites_data((12, 4, 4), frames=5, motions=4), tmp_path / "data")
    status, out, _ = sweettok("check", tmp_path / "data")
    assert status == 0 and "12 train, 4 val, 4 test clips" in out
    clips = tmp_path / "data" / "val" / "clips.npy"
    clips.write_bytes(clips.read_bytes()[:-1] + b"?")
    status, _, err = sweettok("check", tmp_path / "data")
    assert status == 1 and str(clips) in err
