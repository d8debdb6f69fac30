"""A project's MLflow store: the database `.mlflow/mlflow.db` (SQLite) and its artifacts, under the project's root.

python -m sweettok.mlflow_store    print the address of the current folder's store, for `mlflow ui --backend-store-uri`
"""

import logging
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.errors import InputError, first_line

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "sweettok-bench"
SHOWN = {  # tags of the experiment: its page opens at the runs (others open at traces), its charts begin with
    "mlflow.experimentKind": "custom_model_development",
    "mlflow.experiment.primaryMetric.name": "psnr",
}
LOCK_TIMEOUT = 120  # seconds; creating the database takes about two
ARTIFACTS = "/.mlflow/artifacts"
PLACES = (  # columns in which MLflow keeps absolute places of artifacts
    ("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"),
    ("model_versions", "source"), ("model_versions", "storage_location"),
)  # fmt: skip

log = logging.getLogger(__name__)


def store_folder(root: str | Path) -> Path:
    """The store of the project at `root`. A copy in which DVC runs an experiment (`dvc exp run --temp`, `--queue`) is
    deleted afterwards, so it has its original's."""
    root = Path(root).resolve()
    copies = (folder for folder in root.parents if folder.parts[-3:] == (".dvc", "tmp", "exps"))
    original = next((folder.parents[2] for folder in copies), root)
    return original / ".mlflow"


def has_store(root: str | Path) -> bool:
    """Whether the project at `root` has ever had a run."""
    return _database(root).is_file()


def store_uri(root: str | Path = ".") -> str:
    """The tracking URI of the project at `root` (what `mlflow ui --backend-store-uri` takes), whatever its name.

    The driver is named because MLflow makes the parents of what follows a plain `sqlite:///`, and does not decode it.
    """
    from sqlalchemy.engine import URL

    return URL.create("sqlite+pysqlite", database=str(_database(root))).render_as_string()


def store_lock(root: Path) -> Any:
    """Held while the database, the experiment or a parent run may be created: two processes at once crash MLflow."""
    from filelock import FileLock

    folder = store_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / "lock", timeout=LOCK_TIMEOUT)


def open_client(root: str | Path) -> "MlflowClient":
    """A client of the project's store, for runs and models."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):  # migrations at INFO, failures as tracebacks; ours is one warning
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return MlflowClient(tracking_uri=store_uri(root), registry_uri=store_uri(root))


def mlflow_name(name: str) -> str:
    """A metric's or parameter's name as MLflow takes it: `fvd@larp` -> `fvd-larp`."""
    return re.sub(r"[^\w/.\-: ]", "-", name)


def experiment_of(client: "MlflowClient", root: Path) -> str:
    """The id of the project's experiment, which is created where there is none, and follows a project that has moved.

    Raises InputError where it was deleted: MLflow keeps it, and its name, out of sight.
    """
    known = client.get_experiment_by_name(EXPERIMENT)
    if known is not None and known.lifecycle_stage == "deleted":
        raise InputError(
            f"the experiment {EXPERIMENT} was deleted; set MLFLOW_TRACKING_URI=$(python -m sweettok.mlflow_store), then bring "
            f"it back with `mlflow experiments restore -x {known.experiment_id}` or forget it with `mlflow gc`"
        )
    if known is None:
        return client.create_experiment(EXPERIMENT, artifact_location=_artifacts(root), tags=SHOWN)
    follow_move(root)
    return known.experiment_id


def follow_move(root: str | Path) -> None:
    """After the project was renamed, moved or copied: its runs and models have their artifacts beside the database.

    MLflow keeps absolute places and has no call that changes them. Without it, a copy would write into its original.
    Places elsewhere, such as a bucket, stay. Raises InputError: no database of MLflow's, or locked.
    """
    if not (former := moved_from(root)):
        return
    present = _artifacts(root)
    log.info("MLflow's artifacts were in %s, they are in %s now", former, present)
    with _opened(root) as database:
        for table, column in PLACES:
            database.execute(
                f"UPDATE {table} SET {column} = :present || substr({column}, length(:former) + 1) "
                f"WHERE substr({column} || '/', 1, length(:former) + 1) = :former || '/'",
                {"present": present, "former": former},
            )


def moved_from(root: str | Path) -> str | None:
    """Where the database of a project that was renamed, moved or copied still has its artifacts; None: it was not.

    Raises InputError: no database of MLflow's, or locked.
    """
    if not has_store(root):
        return None
    with _opened(root) as database:
        query = "SELECT artifact_location FROM experiments WHERE name = ?"
        (former,) = database.execute(query, (EXPERIMENT,)).fetchone() or ("",)
    return former if former != _artifacts(root) and former.endswith(ARTIFACTS) else None


@contextmanager
def _opened(root: str | Path) -> Iterator[sqlite3.Connection]:
    """The project's database, with what is changed in the block. Raises InputError where SQLite refuses it."""
    try:
        with closing(sqlite3.connect(_database(root))) as database, database:
            yield database
    except sqlite3.Error as error:
        raise unreadable_store(root, error) from error


def unreadable_store(root: str | Path, error: Exception) -> InputError:
    """What to tell of a database that MLflow or SQLite refuses: damaged, or of another version of MLflow."""
    return InputError(
        f"MLflow cannot read {_database(root)} ({first_line(error)}); if MLflow was updated, run "
        '`mlflow db upgrade "$(python -m sweettok.mlflow_store)"`, else move the file away'
    )


def _database(root: str | Path) -> Path:
    return store_folder(root) / "mlflow.db"


def _artifacts(root: str | Path) -> str:
    return store_folder(root).parent.as_uri() + ARTIFACTS


if __name__ == "__main__":
    print(store_uri())
    try:
        follow_move(".")
    except InputError as unreadable:
        print(unreadable, file=sys.stderr)
