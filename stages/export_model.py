"""The trained tokenizer with its numbers, for use and sharing, and in MLflow's registry: outputs/model."""

from sweettok.api.card import numbers_of
from sweettok.api.model import SweetTok
from sweettok.api.registry import register, signature
from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.storage import read_json
from sweettok.tracking import Run
from sweettok.video.store import ClipStore

FOLDER = "outputs/model"


def body(params: Params, run: Run) -> None:
    evaluations = [read_json(f"outputs/{name}/summary.json") for name in ("reconstruction/sweettok", "generation")]
    stores = [ClipStore.open("outputs/data", split) for split in ("train", "val", "test")]
    tok = SweetTok.from_pretrained("outputs/pixels")
    tok.save_pretrained(FOLDER, metrics=numbers_of(*evaluations))
    version = register(run, FOLDER, signature(tok, stores))
    print(f"{FOLDER}: model {tok.model_id[:12]}" + (f", version {version} in MLflow" if version else ""))


if __name__ == "__main__":
    run_stage("export_model", body)
