"""A run's model in MLflow's registry: a version of the registered model `sweettok` for each run that exports one.

`mlflow.pyfunc.load_model` opens it (pyfunc.py), and so does `SweetTok.from_pretrained` of its folder.
"""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sweettok.api.model import SweetTok
from sweettok.errors import first_line
from sweettok.metrics.reconstruction import code_size
from sweettok.mlflow_store import open_client
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


def _mlmodel(run: Run, facts: Mapping[str, Any]) -> str:
    """What MLflow must know to load the folder: the module that does it, shapes and types of what goes in and comes out."""
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    clip, tokens = facts["clip"], sum(facts["tokens"].values())
    words = facts["indices"] // tokens  # of each token
    frames = TensorSpec(np.dtype(np.uint8), (-1, clip["frames"], clip["height"], clip["width"], clip["channels"]))
    indices = TensorSpec(np.dtype(np.int64), (-1, tokens, words) if words > 1 else (-1, tokens))
    signature = ModelSignature(Schema([frames]), Schema([indices]))
    model = Model(artifact_path="model", run_id=run.identity, signature=signature)
    pyfunc.add_to_model(model, loader_module="sweettok.api.pyfunc")
    return str(model.to_yaml())


def _new_version(run: Run, facts: Mapping[str, Any]) -> str:
    client = open_client(run.root)
    client.log_dict(run.identity, dict(facts), FACTS)
    client.log_text(run.identity, _mlmodel(run, facts), "model/MLmodel")
    if not client.search_registered_models(f"name = '{REGISTERED}'"):
        client.create_registered_model(REGISTERED, description="Video tokenizers made by SweetTok-bench")
    source = f"{client.get_run(run.identity).info.artifact_uri}/model"
    tags = {"weights_sha256": facts["weights_sha256"], "bits": f"{facts['bits']:.1f}"}
    return str(client.create_model_version(REGISTERED, source, run.identity, tags, await_creation_for=0).version)
