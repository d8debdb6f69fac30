"""Curriculum 2: spatial and temporal branch on videos, predicting proxy codes: outputs/joint."""

from typing import Any

from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.tracking import Run
from sweettok.training.curriculum import TrainingData, finish_stage, load_judge, train_stage


def body(params: Params, run: Run | None) -> None:
    data = TrainingData.load("outputs/data", "outputs/proxy")
    model = VideoTokenizer.load("outputs/spatial")
    losses: dict[str, Any] = {"code_loss": params.code_loss, "judge": load_judge("outputs/judge")}
    model, history = train_stage("joint", model, params.train_joint, data, **losses, run=run, machine=params.machine)
    if first_process():
        finish_stage("joint", model, history)


if __name__ == "__main__":
    run_stage("train_joint", body, parallel=True)
