"""A run's model in MLflow's registry: a version of the registered model `sweettok` for each run that exports one."""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sweettok.api.model import SweetTok
from sweettok.metrics.reconstruction import code_size
from sweettok.mlflow_store import first_line, open_client
from sweettok.tracking import Run
from sweettok.video.store import ClipStore

REGISTERED = "sweettok"
FACTS = "signature.json"  # among the run's artifacts, beside the folder `model`


def signature(tok: SweetTok, stores: Iterable[ClipStore]) -> dict[str, Any]:
    """What goes into a model, what comes out, and what it was made from; plain JSON values.

    stores: the splits of the data it was trained and measured on.
    """
    code = code_size(tok.model)
    return {
        "clip": {"channels": 3, "frames": tok.frames, "height": tok.size, "width": tok.size, "range": [-1, 1]},
        "tokens": tok.model.groups,
        "indices": code["indices"],
        "vocabulary": {name: quantizer.size for name, quantizer in tok.model.quantizers.items()},
        "bits": code["bits"],
        "data_sha256": {store.split: store.fingerprint for store in stores},
        "weights_sha256": tok.model_id,
    }


def register(run: Run, folder: str | Path, facts: Mapping[str, Any]) -> str | None:
    """Keep a model's folder and facts among the artifacts of `run` and make them a version of `sweettok`.

    Returns the version. None where MLflow cannot be reached or refuses: that costs a warning, as all of tracking does.
    """
    run.log_artifact(folder, "model")
    if run.identity is None:  # the run has warned
        return None
    try:
        return _new_version(run, facts)
    except Exception as error:  # MLflow lets through its own, SQLAlchemy's and the operating system's
        warnings.warn(
            f"MLflow did not register the model ({first_line(error)}); it is in {folder} all the same", stacklevel=2
        )
        return None


def _new_version(run: Run, facts: Mapping[str, Any]) -> str:
    client = open_client(run.root)
    client.log_dict(run.identity, dict(facts), FACTS)
    if not client.search_registered_models(f"name = '{REGISTERED}'"):
        client.create_registered_model(REGISTERED, description="Video tokenizers made by SweetTok-bench")
    source = f"{client.get_run(run.identity).info.artifact_uri}/model"
    tags = {"weights_sha256": facts["weights_sha256"], "bits": f"{facts['bits']:.1f}"}
    return str(client.create_model_version(REGISTERED, source, run.identity, tags, await_creation_for=0).version)
