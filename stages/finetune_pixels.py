"""Curriculum 3: decoders on pixels (L2 + perceptual + GAN), encoders and codebooks frozen: outputs/pixels."""

from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.tracking import Run
from sweettok.training.curriculum import Supplies, finish_stage, load_judge, train_stage


def body(params: Params, run: Run) -> None:
    supplies = Supplies.load("outputs/data", "outputs/proxy")
    model = VideoTokenizer.load("outputs/joint")
    judge = load_judge("outputs/judge")
    model, history = train_stage("pixels", model, params.finetune_pixels, supplies, None, params.pixel_loss, judge, run)
    finish_stage("pixels", model, history)


if __name__ == "__main__":
    run_stage("finetune_pixels", body)
