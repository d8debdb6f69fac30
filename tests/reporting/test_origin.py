"""dvc.lock read for the run facts."""

from pathlib import Path

import pytest

from sweettok.errors import InputError
from sweettok.reporting.collect import Results
from sweettok.reporting.facts import run_facts
from sweettok.reporting.origin import Origin, origin_of

LOCK = """\
schema: '2.0'
stages:
  prepare_data:
    deps: [{path: stages/prepare_data.py, hash: md5, md5: aaa}]
    params: {params.yaml: {data: {name: sprites, clips: {train: 8}}}}
    outs: [{path: outputs/data, hash: md5, md5: ddd.dir}]
  ablation@full-0:
    deps: [{path: outputs/data, hash: md5, md5: ddd.dir}]
    params: {params.yaml: {ablation.schedule: {steps: 3}}}
  ablation@full-1:
    deps: [{path: outputs/data, hash: md5, md5: ddd.dir}]
  ablation@other-0:
    deps: [{path: outputs/data, hash: md5, md5: old.dir}]
  report:
    outs: [{path: reports/index.html, hash: md5, md5: rrr}]
"""


def test_parameters_are_flat_and_checksums_name_their_stages(tmp_path: Path):
    (tmp_path / "dvc.lock").write_text(LOCK)
    origin = origin_of(tmp_path, {"full-0", "full-1"})
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
    with pytest.raises(InputError, match="dvc.lock is damaged"):
        origin_of(tmp_path)


def test_facts_show_them(tmp_path: Path):
    (tmp_path / "dvc.lock").write_text(LOCK)
    short, parameters, checksums = run_facts(Results("test"), origin_of(tmp_path))
    assert ("data.name", "sprites") in [tuple(cell.text for cell in line) for line in parameters.grid.lines]
    assert "ddd.dir" in [line[1].text for line in checksums.grid.lines]
    assert "report drawn with commit" in [line[0].text for line in short.grid.lines]
    assert len(run_facts(Results("test"), Origin())) == 1
