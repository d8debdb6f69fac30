"""History and logged metrics of a training, and its warning of a collapsing codebook."""

import re

import pytest
import torch
from line_task import Killed, Line, Run

from sweettok.training.checkpoint import Checkpoint
from sweettok.training.loop import train


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "line.pt", "line")


def test_history_and_logged_metrics(checkpoint, optimiser_of):
    run = Run()
    _, history = train(Line(), optimiser_of(steps=45, validate_every=30), 0, checkpoint, run, first_step=1000)
    assert [(row["step"], row["split"]) for row in history] == [
        (20, "train"),
        (30, "val"),
        (40, "train"),
        (45, "train"),
        (45, "val"),
    ]
    assert {"loss", "half", "after", "lr"} <= set(history[0]) and {"error", "usage_spatial"} <= set(history[1])
    assert history[0]["after"] == 19.0
    assert [step for step, _ in run.rows] == [1020, 1030, 1040, 1045, 1045]
    assert {"train/loss", "train/half", "steps_per_s"} <= set(run.rows[0][1]) and "val/error" in run.rows[1][1]
    assert run.rows[0][1]["train/loss"] == history[0]["loss"]


def test_collapsing_codebook_warns_once(checkpoint, optimiser_of, capsys):
    train(Line(usage=0.01), optimiser_of(validate_every=3), 0, checkpoint)
    printed = "".join(capsys.readouterr())
    assert printed.count("WARNING") == 1 and re.search("line: usage_spatial .*1.0% .*step 3", printed)


def test_collapse_before_a_kill_is_not_reported_again_after_it(checkpoint, optimiser_of, capsys):
    with pytest.raises(Killed):
        train(Line(usage=0.01, kill_at=7), optimiser_of(validate_every=3), 0, checkpoint)
    train(Line(usage=0.01), optimiser_of(validate_every=3), 0, checkpoint)
    printed = "".join(capsys.readouterr())
    assert printed.count("WARNING") == 1 and "at step 3" in printed


def test_collapse_in_a_training_batch_is_no_reason_to_warn_nor_to_keep_silent(checkpoint, optimiser_of, capsys):
    task = Line(usage=0.01)
    loss = task.loss
    task.loss = lambda batch, step: (loss(batch, step)[0], {"usage_spatial": torch.tensor(0.01)})
    train(task, optimiser_of(steps=40, validate_every=30), 0, checkpoint)
    printed = "".join(capsys.readouterr())
    assert printed.count("WARNING") == 1 and "at step 30" in printed


def test_codebook_in_use_does_not_warn(checkpoint, optimiser_of, capsys):
    train(Line(usage=0.5), optimiser_of(validate_every=3), 0, checkpoint)
    assert "WARNING" not in "".join(capsys.readouterr())
