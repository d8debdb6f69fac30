"""Curriculum 1: spatial branch on images, predicting proxy codes: outputs/spatial."""

from typing import Any

from sweettok.language.codebook import Codebook
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.tracking import Run
from sweettok.training.curriculum import (
    TrainingData,
    build_tokenizer,
    finish_stage,
    load_judge,
    load_proxy,
    train_stage,
)


def body(params: Params, run: Run | None) -> None:
    data = TrainingData.load("outputs/data", "outputs/proxy")
    model = build_tokenizer(params.tokenizer, Codebook.load("outputs/codebook"), load_proxy("outputs/proxy"), data.clip)
    losses: dict[str, Any] = {"code_loss": params.code_loss, "judge": load_judge("outputs/judge")}
    model, history = train_stage(
        "spatial", model, params.train_spatial, data, **losses, run=run, machine=params.machine
    )
    if first_process():
        finish_stage("spatial", model, history)


if __name__ == "__main__":
    run_stage("train_spatial", body, parallel=True)
