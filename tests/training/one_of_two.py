"""What each of two processes does in test_processes.py: the trainings described in a folder; records go to another."""

import json
import os
import sys
from pathlib import Path

import torch

from sweettok.generation.prior import Prior
from sweettok.generation.sampling import sample_in_batches
from sweettok.metrics.distances import judge_distances
from sweettok.metrics.reconstruction import score
from sweettok.metrics.scorers import open_scorers
from sweettok.models.judge import Judge
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import CodeLoss, CurriculumStage, Machine, PixelLoss, SamplingSettings
from sweettok.tokenizers.sweettok import wrapped
from sweettok.training import loop
from sweettok.training.curriculum import (
    TrainingData,
    code_clips,
    load_judge,
    load_proxy,
    train_stage,
)
from sweettok.training.tokenizer_task import TokenizerTask

SAMPLING = SamplingSettings(samples=7, batch_size=2, temperature=1.0, top_k=0, top_p=1.0, guidance=1.25, seed=5)


def main(folder: Path, records: Path) -> None:
    rank = os.environ["RANK"]
    home = records / f"process_{rank}"
    home.mkdir(parents=True)
    os.chdir(home)  # so that the test sees who writes what
    loop.LOG_EVERY = 1
    seen: list[tuple[int, list[int]]] = []  # (seed, clips) of each step
    loss = TokenizerTask.loss

    def watched(task, batch, step):
        seen.append((torch.initial_seed(), batch["indices"].tolist()))
        return loss(task, batch, step)

    TokenizerTask.loss = watched
    training_data, judge = TrainingData.load(folder / "data", folder / "proxy"), load_judge(folder / "judge")
    trainings = json.loads((folder / "trainings.json").read_text())
    for name, record_name in [*zip(trainings, trainings, strict=True), ("language", "resumed")]:
        if record_name == "resumed":
            os.chdir(records / "process_0")  # where its checkpoint is
        described = trainings[name]
        seen.clear()
        stage = CurriculumStage.model_validate(described["stage"])
        pixels = stage.target == "pixels"
        losses = {
            "code_loss": None if pixels else CodeLoss.model_validate(described["code_loss"]),
            "pixel_loss": PixelLoss.model_validate(described["pixel_loss"]) if pixels else None,
            "judge": judge,
        }
        model = VideoTokenizer.load(folder / name)
        machine = Machine.model_validate(described["machine"])
        averaged, history = train_stage(name, model, stage, training_data, **losses, machine=machine)
        record = {"history": history, "seen": seen}
        (records / f"{record_name}.{rank}.json").write_text(json.dumps(record))
        states = {"model": model.state_dict(), "averaged": averaged.state_dict()}
        torch.save(states, records / f"{record_name}.{rank}.pt")
    evaluate(folder, training_data, judge, records / f"evaluation.{rank}.pt")


def evaluate(folder: Path, training_data: TrainingData, judge: Judge, record: Path) -> None:
    """Codes of clips, samples of a prior and scores of a tokenizer, each process its share."""
    model = VideoTokenizer.load(folder / "language")
    generator = torch.Generator().manual_seed(5)
    labels = torch.arange(7) % 3
    scorers, _ = open_scorers(judge, None, training_data.train.size)
    reconstructions = score(
        wrapped("model", model), training_data.train, 5, scorers, judge_distances(judge, training_data.train)
    )
    found = {
        "codes": torch.from_numpy(code_clips(load_proxy(folder / "proxy"), training_data.train)),
        "tokens": sample_in_batches(Prior.load(folder / "prior"), labels, SAMPLING, generator),
        "first": reconstructions.first,
        **{
            name: torch.from_numpy(values)
            for name, values in (reconstructions.scores | reconstructions.features).items()
        },
    }
    torch.save(found, record)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
