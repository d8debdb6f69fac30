"""profile, check: list, show, use, diff; a bare name still uses it."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from sweettok.params import load_params

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
    assert "smoke" in json.loads(sweettok("profile", *arguments, "--json")[1])


def test_show(sweettok):
    assert sweettok("profile", "show", "smoke")[1].strip() == (ROOT / "profiles/smoke.yaml").read_text().strip()
    shown = json.loads(sweettok("profile", "show", "smoke", "--json")[1])
    assert shown == load_params("profiles/smoke.yaml").model_dump(mode="json")


@pytest.mark.parametrize("arguments", [["smoke"], ["use", "smoke"]])
def test_use_keeps_the_former_params(sweettok, project, arguments):
    before = (project / "params.yaml").read_bytes()
    status, out, _ = sweettok("profile", *arguments)
    assert status == 0 and "params.yaml is now profile smoke" in out
    assert (project / "params.yaml").read_bytes() == (ROOT / "profiles/smoke.yaml").read_bytes()
    assert (project / "params.previous.yaml").read_bytes() == before


def test_diff_names_exactly_the_keys_that_differ(sweettok, project):
    content = yaml.safe_load((project / "params.yaml").read_text())
    content["tokenizer"]["seed"] = 7
    content["profile"] = "mine"
    (project / "profiles" / "mine.yaml").write_text(yaml.safe_dump(content))
    status, out, _ = sweettok("profile", "diff", "mine", "--json")
    seed = load_params().tokenizer.seed
    differing = {"profile": ["sprites", "mine"], "tokenizer.seed": [seed, 7]}
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
