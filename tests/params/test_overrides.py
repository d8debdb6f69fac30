"""Profiles that say only what differs from a base: one rule of merging, comments, and mistakes in one line."""

import shutil
from pathlib import Path

import pytest
from dvc.utils.serialize import parse_yaml as as_dvc_reads

from sweettok.errors import InputError
from sweettok.params import load_params, resolved_yaml, stage_params

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "profiles" / "sprites.yaml"


@pytest.fixture
def write(tmp_path):
    """(name, text) -> the path of a profile beside the default."""
    shutil.copy(DEFAULT, tmp_path)

    def write(name, text):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        return path

    return write


def resolved(path):
    return as_dvc_reads(resolved_yaml(path), path)


def test_mappings_merge_and_all_else_replaces(write):
    write("base", "a: {x: 1, y: {z: 2, list: [1, 2, 3]}}\nb: {deep: {er: 1}}\nc: text\nd: 4\n")
    path = write("own", "base: base\na: {y: {list: [4], new: 5}}\nb: null\nc: {now: a mapping}\n")
    assert resolved(path) == {
        "a": {"x": 1, "y": {"z": 2, "list": [4], "new": 5}},
        "b": None,
        "c": {"now": "a mapping"},
        "d": 4,
    }


def test_a_marked_mapping_replaces(write):
    write("base", "a: {x: 1, y: {z: 2}}\nb: {x: 1}\n")
    path = write(
        "own", "base: base\na: {y: !replace {new: 3}}\nb: !replace\n  y: {z: !replace {}}\nc: !replace {x: 1}\n"
    )
    assert resolved(path) == {"a": {"x": 1, "y": {"new": 3}}, "b": {"y": {"z": {}}}, "c": {"x": 1}}


def test_a_base_may_have_a_base(write):
    write("first", "base: sprites\ndata: {seed: 1}\njudge: {width: 8, seed: 1}\n")
    write("second", "base: first\njudge: {seed: 2}\n")
    default, params = load_params(DEFAULT), load_params(write("third", "profile: third\nbase: second\n"))
    assert (params.profile, params.data.seed, params.judge.width, params.judge.seed) == ("third", 1, 8, 2)
    assert params.tokenizer == default.tokenizer and params.ablation == default.ablation


def test_a_profile_never_reports_where_its_base_does(write):
    write("first", "base: sprites\nreport: {folder: reports/elsewhere}\n")
    params = load_params(write("second", "base: first\n"))
    assert (params.profile, params.report.folder) == ("second", "reports/second")
    assert (
        load_params(write("first", "base: sprites\nreport: {folder: reports/else}\n")).report.folder == "reports/else"
    )


def test_values_keep_the_meaning_that_yaml_gives_them(write):
    """Each text, read with and without a base."""
    text = "a: [1.0e-5, 1e-5, 010, 0x10, null, ~, yes, 'yes', \"1\", 2020-01-01, '(\\d+)_', 1_000]\nb: &b {c: [.inf]}\nd: *b\n"
    write("empty", "z: 1\n")
    assert resolved(write("own", "base: empty\n" + text)) == as_dvc_reads(text, "text") | {"z": 1}


def test_aliases_are_values_of_their_own(write):
    write("base", "a: &a {x: 1}\nb: *a\n")
    assert resolved(write("own", "base: base\na: {x: 2}\n")) == {"a": {"x": 2}, "b": {"x": 1}}


def test_a_profile_without_a_base_comes_back_as_it_is():
    assert resolved_yaml(DEFAULT) == DEFAULT.read_text()


def test_nothing_changed_leaves_every_line_of_the_base(write):
    path = write("same", "# Mine.\n# Two lines.\nbase: sprites\nprofile: same\n")
    default = (
        DEFAULT.read_text()
        .replace("profile: sprites\n", "profile: same\n")
        .replace("report: {folder: reports}", "report: {folder: reports/same}")
    )
    assert resolved_yaml(path) == "# Mine.\n# Two lines.\n" + default[default.index("\nprofile: ") + 1 :]


def test_comments_and_layout_are_those_of_the_base(write):
    write("base", "# Of the base.\nprofile: base\n\n# Of a.\na:\n  x: {y: 1}\n\n# Of b.\nb: [1.0e-3]\n\nc: {d: null}\n")
    path = write(
        "own", "profile: own\nbase: base\n# Not kept.\na:\n  x: !replace {z: 2}\n# Nor this.\nc: {e: 1.0e-4}\n"
    )
    expected = "profile: own\n\n# Of a.\na:\n  x: {z: 2}\n\n# Of b.\nb: [1.0e-3]\n\nc: {d: null, e: 1.0e-4}\n"
    assert resolved_yaml(path) == expected


@pytest.mark.parametrize(
    "text, named",
    [
        ("base: nothing\n", "base: .*'nothing'"),
        ("base: ../sprites\n", "base: .*'../sprites'"),
        ("base: [sprites]\n", r"base: .*\['sprites'\]"),
        ("base:\n", "base: .*'None'"),
        ("base: own\n", "base: .*own -> own"),
        ("base: sprites\nnovel: 1\n", "novel: unknown"),
        ("base: sprites\ntokenizer: {widht: 8}\n", "tokenizer.widht: unknown"),
        ("base: sprites\ndata: {name: imagenet, frames: 1, root: x}\n", "data.shorter_side: .*required"),
        ("base: sprites\njudge: !replace {width: 8}\n", "judge.seed: .*required"),
        ("base: sprites\nreport: null\n", "section.* report"),
        ("base: sprites\njudge: !novel {width: 8}\njudge: {}\n", "YAML"),
        ("base: sprites\njudge: !repalce {width: 8}\n", "judge: unknown tag !repalce; the only one is !replace"),
        ("base: sprites\njudge: {width: !replace 8}\n", "judge.width: !replace stands before a mapping only"),
        ("base: sprites\nsemantics: {ways: !replace [2]}\n", "semantics.ways: !replace stands before"),
        ("base: sprites\nprofile: other\n", "profile: 'other' is not the file's name; write own"),
        ("base: sprites\na: [\n", "YAML"),
        ("base: sprites\njudge: {width: 8}\njudge: {width: 9}\n", "'judge' is given twice"),
        ("base: sprites\na: !!set 3\n", "YAML"),
        ("? [a]\n: b\nbase: x\n- 1\n", "YAML"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_key(write, text, named):
    path = write("own", text)
    with pytest.raises(InputError, match=f"{path}.* {named}") as refused:
        load_params(path)
    assert "\n" not in str(refused.value)


def test_a_cycle_and_a_bad_base_name_the_file_that_has_it(write):
    first = write("first", "base: second\n")
    second = write("second", "base: third\n")
    third = write("third", "base: second\n")
    with pytest.raises(InputError, match=f"{third}: base: .*first -> second -> third -> second"):
        load_params(first)
    third.write_text("- base: 1\n")
    with pytest.raises(InputError, match=f"{third}: .*mapping"):
        load_params(second)


def test_params_of_stages_have_no_base(write):
    """DVC watches the values that stand in params.yaml."""
    with pytest.raises(InputError, match="base: unknown"):
        stage_params("prepare_data", write("params", "profile: mine\nbase: sprites\n"), ROOT / "dvc.yaml")
