"""Tracking where MLflow's store cannot be used: one line or one warning, and no number is lost."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tracked_runs import runs

from sweettok.errors import InputError
from sweettok.mlflow_store import EXPERIMENT, open_client
from sweettok.params import Params
from sweettok.tracking import comparison, tracked_run

pytestmark = pytest.mark.usefixtures("own_reproduction")
PARAMS = Params(profile="test")


def unsent(root: Path) -> list[Path]:
    return list((root / "outputs" / "unsent_metrics").glob("*.jsonl"))


def test_kept_metrics_that_mlflow_never_takes_stop_no_other_run(tmp_path: Path):
    line = {"run": "train_proxy", "run_id": None, "key": "../loss", "value": 1.0, "timestamp": 0, "step": 0}
    (tmp_path / "outputs" / "unsent_metrics").mkdir(parents=True)
    (tmp_path / "outputs" / "unsent_metrics" / "train_proxy.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.warns(UserWarning, match="MLflow failed .*unsent_metrics stays there"):  # noqa: SIM117
        with tracked_run("train_judge", PARAMS, root=tmp_path) as run:
            run.log_metrics({"loss": 0.5})
    assert open_client(tmp_path).get_run(run.identity).data.metrics == {"loss": 0.5} and len(unsent(tmp_path)) == 1


def test_a_deleted_experiment_is_named_with_the_way_back(tmp_path: Path):
    with tracked_run("ablation", PARAMS, {"variant": "full", "seed": 0}, tmp_path):
        pass
    client = open_client(tmp_path)
    identity = client.get_experiment_by_name(EXPERIMENT).experiment_id
    client.delete_experiment(identity)
    with pytest.warns(UserWarning, match=f"was deleted.*restore -x {identity}"):  # noqa: SIM117
        with tracked_run("train_proxy", PARAMS, root=tmp_path) as run:
            run.log_metrics({"loss": 0.5})
    with pytest.raises(InputError, match="was deleted"):
        comparison("ablation", tmp_path)
    client.restore_experiment(identity)
    with tracked_run("report", PARAMS, root=tmp_path):
        pass
    (sent,) = runs(tmp_path, stage="train_proxy")
    assert sent.data.metrics == {"loss": 0.5} and len(comparison("ablation", tmp_path)) == 1


@pytest.mark.parametrize(
    "damage", ["UPDATE alembic_version SET version_num = 'ffffffffffff'", None], ids=["other version", "damaged"]
)
def test_a_store_that_cannot_be_read_is_one_line(tmp_path: Path, damage: str | None):
    with tracked_run("ablation", PARAMS, {"variant": "full", "seed": 0}, tmp_path):
        pass
    database = tmp_path / ".mlflow" / "mlflow.db"
    if damage:
        with sqlite3.connect(database) as opened:
            opened.execute(damage)
    else:
        database.write_bytes(b"no database" * 1000)
    done = subprocess.run(
        [sys.executable, "-m", "sweettok.cli", "compare"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "MLflow cannot read" in done.stderr and "mlflow db upgrade" in done.stderr


def test_unreachable_store_costs_a_warning_and_no_metric(tmp_path: Path):
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow" / "mlflow.db").write_text("this is no database" * 100)
    with pytest.warns(UserWarning, match="MLflow failed") as warned:  # noqa: SIM117 - the run is what warns
        with tracked_run("train_proxy", PARAMS, {"seed": 1}, tmp_path) as run:
            run.log_metrics({"loss": 0.5, "psnr": 20.0}, step=7)
            run.log_artifact(tmp_path / "absent")
    assert len([one for one in warned if "MLflow failed" in str(one.message)]) == 1
    assert run.identity is None
    lines = (tmp_path / "outputs" / "unsent_metrics" / "train_proxy.jsonl").read_text().splitlines()
    *kept, end = [json.loads(line) for line in lines]
    assert [(one["run"], one["key"], one["value"], one["step"]) for one in kept] == [
        ("train_proxy seed 1", "loss", 0.5, 7),
        ("train_proxy seed 1", "psnr", 20.0, 7),
    ]
    assert end["status"] == "FINISHED" and end["tags"]["seed"] == "1"


def test_store_that_breaks_while_training(tmp_path: Path):
    with pytest.warns(UserWarning, match="MLflow failed") as warned:  # noqa: SIM117
        with tracked_run("train_proxy", PARAMS, root=tmp_path) as run:
            run.log_metrics({"loss": 0.5}, step=1)
            run.flush()
            with sqlite3.connect(tmp_path / ".mlflow" / "mlflow.db") as database:
                database.execute("ALTER TABLE metrics RENAME TO gone")
            for step in (2, 3):
                run.log_metrics({"loss": 0.1}, step)
                run.flush()
    assert len([one for one in warned if "MLflow failed" in str(one.message)]) == 1
    lines = (tmp_path / "outputs" / "unsent_metrics" / "train_proxy.jsonl").read_text().splitlines()
    assert [json.loads(line).get("step", "end") for line in lines] == [2, 3, "end"]
    with sqlite3.connect(tmp_path / ".mlflow" / "mlflow.db") as database:
        database.execute("ALTER TABLE gone RENAME TO metrics")
    with tracked_run("train_judge", PARAMS, root=tmp_path):
        pass
    sent = open_client(tmp_path).get_metric_history(run.identity, "loss")
    assert [(one.step, one.value) for one in sent] == [(1, 0.5), (2, 0.1), (3, 0.1)]
    assert open_client(tmp_path).get_run(run.identity).info.status == "FINISHED"
    assert not unsent(tmp_path)


def test_a_store_of_another_schema_costs_a_warning_and_no_metric(tmp_path: Path):
    """Kept metrics come, once the store can be used again, into a run that `sweettok compare` finds."""
    with tracked_run("train_judge", PARAMS, root=tmp_path):
        pass
    database = tmp_path / ".mlflow" / "mlflow.db"
    whole = database.read_bytes()
    with sqlite3.connect(database) as opened:
        opened.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    program = (
        "from sweettok.params import Params\nfrom sweettok.tracking import tracked_run\n"
        "with tracked_run('ablation', Params(profile='test'), {'variant': 'full', 'seed': 3}, 'ROOT') as run:\n"
        "    run.log_metrics({'psnr': 21.5}, 9)\n"
    ).replace("ROOT", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0 and "MLflow failed" in done.stderr and "schema" in done.stderr
    assert len(unsent(tmp_path)) == 1
    database.write_bytes(whole)
    with tracked_run("train_judge", PARAMS, root=tmp_path):
        pass
    table = comparison("ablation", tmp_path)
    assert table[["variant", "seed", "psnr"]].values.tolist() == [["full", "3", 21.5]] and not unsent(tmp_path)


@pytest.mark.slow
def test_a_locked_store_costs_a_warning_and_no_metric(tmp_path: Path):
    """Another program holds the database: MLflow waits, then the run goes on without it."""
    with tracked_run("train_judge", PARAMS, root=tmp_path):
        pass
    holder = sqlite3.connect(tmp_path / ".mlflow" / "mlflow.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.warns(UserWarning, match="MLflow failed.*locked"):  # noqa: SIM117
        with tracked_run("train_proxy", PARAMS, root=tmp_path) as run:
            run.log_metrics({"loss": 0.5}, step=1)
    assert len(unsent(tmp_path)) == 1
    holder.execute("ROLLBACK")
    with tracked_run("train_judge", PARAMS, root=tmp_path):
        pass
    (sent,) = runs(tmp_path, stage="train_proxy")
    assert sent.data.metrics == {"loss": 0.5} and not unsent(tmp_path)
