"""Train the judge (feature network of perceptual and Frechet distances): outputs/judge."""

import torch

from sweettok.models.judge import Judge
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.tracking import Run
from sweettok.training.checkpoint import save_module
from sweettok.training.curriculum import training_checkpoint
from sweettok.training.judge_task import JudgeTask, judge_labels
from sweettok.training.loop import train
from sweettok.video.store import ClipStore


def body(params: Params, run: Run | None) -> None:
    judge = params.judge
    train_clips, val_clips = ClipStore.open("outputs/data", "train"), ClipStore.open("outputs/data", "val")
    labels = judge_labels(train_clips)
    torch.manual_seed(judge.seed)
    model = Judge({name: len(values) for name, values in labels.items()}, judge.width)
    task = JudgeTask(model, train_clips, val_clips, judge.seed)
    checkpoint = training_checkpoint("judge", [judge], [train_clips.fingerprint])
    model, history = train(task, judge.optimiser, judge.seed, checkpoint, run, machine=params.machine)
    if first_process():
        save_module("outputs/judge", model, {"labels": labels, "width": judge.width}, history)
        checkpoint.delete()


if __name__ == "__main__":
    run_stage("train_judge", body, parallel=True)
