"""Curriculum 3: decoders on pixels (L2 + perceptual + GAN), encoders and codebooks frozen: outputs/pixels."""

from typing import Any

from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.tracking import Run
from sweettok.training.curriculum import TrainingData, finish_stage, load_judge, train_stage


def body(params: Params, run: Run | None) -> None:
    data = TrainingData.load("outputs/data", "outputs/proxy")
    model = VideoTokenizer.load("outputs/joint")
    judge = load_judge("outputs/judge")
    losses: dict[str, Any] = {"pixel_loss": params.pixel_loss, "judge": judge}
    model, history = train_stage(
        "pixels", model, params.finetune_pixels, data, **losses, run=run, machine=params.machine
    )
    if first_process():
        finish_stage("pixels", model, history)


if __name__ == "__main__":
    run_stage("finetune_pixels", body, parallel=True)
