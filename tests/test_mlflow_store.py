"""The store of a project of any name, and of one that has moved or was copied."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sweettok.mlflow_store import EXPERIMENT, follow_move, open_client
from sweettok.params import Params
from sweettok.tracking import tracked_run

PARAMS = Params(profile="test")


def logged(root: Path, name: str) -> str:
    """A run in the project at `root` with one artifact of that name; returns its id."""
    file = root.parent / name
    file.write_text(name)
    with tracked_run("report", PARAMS, root=root) as run:
        run.log_artifact(file)
    assert run.identity is not None
    return run.identity


def artifacts(root: Path, run: str) -> list[str]:
    """Names of a run's artifacts that can be fetched."""
    client = open_client(root)
    names = [found.path for found in client.list_artifacts(run)]
    assert all(Path(client.download_artifacts(run, name)).read_text() == name for name in names)
    return names


def runs(root: Path) -> list:
    client = open_client(root)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return client.search_runs([experiment.experiment_id], "tags.stage = 'report'")


@pytest.mark.parametrize("name", ["a%20b?x=1", "Straße & 'co'; #2 100%%"])
def test_any_name_of_the_project(tmp_path, name):
    """Two projects whose names a URL could mistake for one another have nothing in common."""
    root, other = tmp_path / name, tmp_path / name.replace("%20", " ").partition("?")[0].partition("#")[0]
    root.mkdir()
    run = logged(root, "mine.txt")
    assert (root / ".mlflow" / "mlflow.db").is_file() and artifacts(root, run) == ["mine.txt"]
    assert {path.name for path in tmp_path.iterdir()} == {name, "mine.txt"}
    other.mkdir()
    assert artifacts(other, logged(other, "other.txt")) == ["other.txt"]
    assert [found.info.run_id for found in runs(root)] == [run]


def test_an_experiment_in_a_copy_of_dvc_is_in_the_project_s_store(tmp_path):
    """`dvc exp run --temp` deletes the folder it has run in."""
    copy = tmp_path / "project" / ".dvc" / "tmp" / "exps" / "tmpabc123"
    copy.mkdir(parents=True)
    run = logged(copy, "one.txt")
    shutil.rmtree(copy)
    assert artifacts(tmp_path / "project", run) == ["one.txt"]


def test_a_project_that_moved_and_one_that_was_copied(tmp_path):
    first = tmp_path / "first"
    first.mkdir()
    run = logged(first, "one.txt")
    client = open_client(first)
    client.create_registered_model("made")
    client.create_model_version("made", f"{client.get_run(run).info.artifact_uri}/model", run, await_creation_for=0)
    shutil.copytree(first, tmp_path / "copy")
    first.rename(tmp_path / "moved")
    for name in ("moved", "copy"):
        root = tmp_path / name
        assert artifacts(root, logged(root, f"{name}.txt")) == [f"{name}.txt"]
        assert artifacts(root, run) == ["one.txt"]
        assert not first.exists()
        assert {path.name for path in (root / ".mlflow" / "artifacts").rglob("*.txt")} == {"one.txt", f"{name}.txt"}
        (version,) = open_client(root).search_model_versions("name = 'made'")
        assert version.source.startswith((root / ".mlflow").as_uri())


def test_artifacts_elsewhere_stay_there(tmp_path):
    root, bucket = tmp_path / "project", "s3://bucket/sweettok"
    root.mkdir()
    follow_move(root)  # without a store there is nothing to do
    run = logged(root, "one.txt")
    with closing(sqlite3.connect(root / ".mlflow" / "mlflow.db")) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ? WHERE name = ?", (bucket, EXPERIMENT))
    before = open_client(root).get_run(run).info.artifact_uri
    follow_move(root)
    client = open_client(root)
    assert client.get_experiment_by_name(EXPERIMENT).artifact_location == bucket
    assert client.get_run(run).info.artifact_uri == before
