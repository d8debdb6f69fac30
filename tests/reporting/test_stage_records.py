"""Times and origins of stages from a real MLflow store."""

from pathlib import Path

import pytest

from sweettok import tracking
from sweettok.params import Params
from sweettok.reporting.stage_records import _covered, stage_records
from sweettok.tracking import tracked_run


class Meter:
    """Energy counters of a machine that has drawn five joules."""

    def joules(self) -> float:
        return 5.0


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stages, one of them twice and once failed; three cells of two variants; another profile's run."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEETTOK_REPRODUCTION", "test")
        patch.setattr(tracking, "EnergyMeter", Meter)
        mine, other = Params(profile="mine"), Params(profile="other")
        cells = [{"variant": variant, "seed": seed} for variant, seed in (("full", 0), ("full", 1), ("lc", 0))]
        stages = [("train_joint", {"try": "first"}), ("train_proxy", {}), ("train_joint", {"try": "second"})]
        for stage, tags in [*stages, *(("ablation", cell) for cell in cells), ("report", {})]:
            with tracked_run(stage, mine, tags, root):
                pass
        with tracked_run("train_proxy", other, {}, root):
            pass
        with pytest.raises(ValueError), tracked_run("train_joint", mine, {"try": "failed"}, root):
            raise ValueError
    return root


def test_the_newest_finished_run_of_each_stage_in_the_pipeline_s_order(root: Path):
    records = stage_records(root, "mine", order=["train_proxy", "train_joint", "ablation"])
    names = ["train_proxy", "train_joint", "ablation full", "ablation lc"]
    assert [record.name for record in records] == names
    assert [record.runs for record in records] == [1, 1, 2, 1]
    assert [record.joules for record in records] == [5.0, 5.0, 10.0, 5.0]
    assert records[1].tags["try"] == "second" and records[1].seconds > 0
    assert {"git_commit", "params_hash", "machine.cpu"} <= set(records[0].tags)


def test_cells_of_another_matrix_stay_out(root: Path):
    names = [record.name for record in stage_records(root, "mine", {"full-1"})]
    assert "ablation full" in names and "ablation lc" not in names


def test_energy_is_unknown_where_one_run_did_not_read_it(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SWEETTOK_REPRODUCTION", "test")
    monkeypatch.setattr(Meter, "joules", lambda self: None)
    monkeypatch.setattr(tracking, "EnergyMeter", Meter)
    with tracked_run("ablation", Params(profile="mine"), {"variant": "full", "seed": 1}, root):
        pass
    (record,) = (record for record in stage_records(root, "mine") if record.name == "ablation full")
    assert record.joules is None and record.runs == 2


def test_without_a_store_or_with_a_broken_one(tmp_path: Path):
    assert stage_records(tmp_path, "mine") == ()
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow" / "mlflow.db").write_text("this is no database" * 100)
    with pytest.warns(UserWarning, match="MLflow cannot read"):
        assert stage_records(tmp_path, "mine") == ()


def test_cells_side_by_side_take_their_time_once():
    assert _covered([(0, 10), (5, 12), (20, 21), (6, 7)]) == 13
