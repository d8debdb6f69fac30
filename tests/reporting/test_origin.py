"""dvc.lock read for the run facts."""

from pathlib import Path

import pytest

from sweettok.errors import InputError
from sweettok.reporting.collect import Results
from sweettok.reporting.facts import run_facts
from sweettok.reporting.origin import Origin, origin_of
from sweettok.reporting.stage_records import StageRecord

LOCK = """\
schema: '2.0'
stages:
  prepare_data:
    deps: [{path: stages/prepare_data.py, hash: md5, md5: aaa}]
    params: {params.yaml: {data: {name: sprites, clips: {train: 8}}}}
    outs: [{path: outputs/data, hash: md5, md5: ddd.dir}]
  ablation@full:
    deps: [{path: outputs/data, hash: md5, md5: ddd.dir}]
    params: {params.yaml: {ablation.schedule: {steps: 3}}}
  ablation@lc:
    deps: [{path: outputs/data, hash: md5, md5: ddd.dir}]
  ablation@other:
    deps: [{path: outputs/data, hash: md5, md5: old.dir}]
  report:
    outs: [{path: reports/index.html, hash: md5, md5: rrr}]
"""


def test_parameters_are_flat_and_checksums_name_their_stages(tmp_path: Path):
    (tmp_path / "dvc.lock").write_text(LOCK)
    origin = origin_of(tmp_path, {"full-0", "full-1", "lc-0"})
    assert origin.parameters == {"data.name": "sprites", "data.clips.train": "8", "ablation.schedule.steps": "3"}
    assert origin.checksums == {
        ("outputs/data", "ddd.dir"): ("prepare_data", "ablation"),
        ("stages/prepare_data.py", "aaa"): ("prepare_data",),
    }
    assert origin.machine["git_commit"]
    assert ("outputs/data", "old.dir") in origin_of(tmp_path).checksums  # all cells


def test_without_a_lock_only_the_machine_is_known(tmp_path: Path):
    origin = origin_of(tmp_path)
    assert not origin.parameters and not origin.checksums and origin.machine


@pytest.mark.parametrize("content", ["stages: [", "[]", "stages: {a: {deps: [{md5: x}]}}", "stages: 3"])
def test_a_damaged_lock_is_named(tmp_path: Path, content: str):
    (tmp_path / "dvc.lock").write_text(content)
    with pytest.raises(InputError, match="dvc.lock .*damaged"):
        origin_of(tmp_path)


def test_facts_show_them(tmp_path: Path):
    (tmp_path / "dvc.lock").write_text(LOCK)
    short, parameters, checksums = run_facts(Results("test"), origin_of(tmp_path))
    assert ("data.name", "sprites") in [(row.name, row.ours["value"]) for row in parameters.rows]
    assert "ddd.dir" in [row.ours["MD5"] for row in checksums.rows]
    assert "report drawn with commit" in [row.name for row in short.rows]
    assert len(run_facts(Results("test"), Origin())) == 1


def test_facts_show_time_energy_and_code_of_stages():
    tags = {"git_commit": "c" * 40, "git_dirty": "true", "params_hash": "abc", "machine.cpu": "a processor"}
    stages = (StageRecord("train_joint", 1, 90.0, 1500.0, tags), StageRecord("ablation lc", 3, 30.0, 500.0, tags))
    short, table = run_facts(Results("test"), Origin(stages=stages))
    facts = {row.name: row.ours["value"] for row in short.rows}
    assert facts["time of the stages, this one left out"] == "2.0 minutes"
    assert facts["energy of the processors"] == "2.0 kJ, of the whole machine"
    assert [entry.text for entry in table.lines[0]][:7] == [
        "train_joint", "1", "90", "1.50", f"{'c' * 12} with changes", "abc", "a processor",
    ]  # fmt: skip
    unread = run_facts(Results("test"), Origin(stages=(StageRecord("train_joint", 1, 90.0, None, tags), stages[1])))
    assert ("energy of the processors", "not readable here") in [
        (row.name, row.ours["value"]) for row in unread[0].rows
    ]
