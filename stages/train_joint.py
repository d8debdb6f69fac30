"""Curriculum 2: spatial and temporal branch on videos, predicting proxy codes: outputs/joint."""

from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.tracking import Run
from sweettok.training.curriculum import Supplies, finish_stage, train_stage


def body(params: Params, run: Run | None) -> None:
    supplies = Supplies.load("outputs/data", "outputs/proxy")
    model = VideoTokenizer.load("outputs/spatial")
    model, history = train_stage(
        "joint", model, params.train_joint, supplies, params.code_loss, run=run, machine=params.machine
    )
    if first_process():
        finish_stage("joint", model, history)


if __name__ == "__main__":
    run_stage("train_joint", body, parallel=True)
