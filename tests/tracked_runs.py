"""What tests of tracking share: the runs of a store."""

from pathlib import Path

from sweettok.mlflow_store import EXPERIMENT, open_client


def runs(root: Path, **tags: str) -> list:
    """Runs with these tags, oldest first."""
    store = open_client(root)
    experiment = store.get_experiment_by_name(EXPERIMENT).experiment_id
    query = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    return store.search_runs([experiment], query, order_by=["attributes.start_time ASC"])
