"""NaN and infinity, wherever they come from: the training stops, says where, and keeps the step for another look."""

import math

import pytest
import torch

from sweettok.models.judge import Judge
from sweettok.storage import atomic_file
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.divergence import TrainingDiverged, non_finite, refuse_non_finite
from sweettok.training.loop import seed_of_step, train

BROKEN = [math.nan, math.inf, -math.inf]


@pytest.fixture
def task(make_model, task_of, stage_of):
    """The joint training of the small tokenizer."""
    return task_of(make_model(), stage_of())


def stopped(task, optimiser, tmp_path):
    """(message, the saved step) of a training that diverges."""
    with pytest.raises(TrainingDiverged) as error:
        train(task, optimiser, 0, Checkpoint(tmp_path / "joint.pt", "x"))
    path = tmp_path / "joint.diverged-0.pt"
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    return str(error.value), torch.load(path, weights_only=True)


@pytest.mark.parametrize("value", BROKEN)
def test_a_loss_that_breaks_is_said_with_step_and_clips(task, optimiser_of, tmp_path, value):
    loss = task.loss
    task.loss = lambda batch, step: (loss(batch, step)[0] * (value if step == 4 else 1), {"x": torch.zeros(())})
    message, saved = stopped(task, optimiser_of(), tmp_path)
    assert "step 4" in message and "optimiser.lr" in message
    assert saved["step"] == 4 and str(saved["batch"]["indices"].tolist()) in message


def test_the_step_is_kept_as_it_was(task, stores, optimiser_of, tmp_path):
    """Its clips, its seed, and the parameters before it."""
    loss = task.loss
    task.loss = lambda batch, step: (loss(batch, step)[0] * (math.nan if step == 4 else 1), {"x": torch.zeros(())})
    _, saved = stopped(task, optimiser_of(), tmp_path)
    indices = saved["batch"]["indices"]
    assert torch.equal(saved["batch"]["pixels"], stores["train"].pixels(indices)) and saved["seed"] == seed_of_step(
        0, 4, 0
    )
    torch.manual_seed(saved["seed"])
    assert loss(saved["batch"], saved["step"])[0].isfinite() and not non_finite(saved["model"])
    assert all(torch.equal(saved["model"][name], weight) for name, weight in task.model.named_parameters())


@pytest.mark.parametrize("value", BROKEN)
def test_weights_that_are_broken_from_the_start_are_named(task, optimiser_of, tmp_path, value):
    name, weight = next(iter(task.model.named_parameters()))
    with torch.no_grad():
        weight.view(-1)[0] = value
    message, _ = stopped(task, optimiser_of(), tmp_path)
    assert "step 0" in message and f"({name})" in message and "optimiser.lr" not in message


@pytest.mark.parametrize("value", BROKEN)
def test_broken_weights_are_never_saved(value):
    judge = Judge({"class": 2}, 4)
    refuse_non_finite("judge", judge, 3)
    with torch.no_grad():
        next(judge.parameters()).view(-1)[-1] = value
    with pytest.raises(TrainingDiverged, match=r"judge: .*step 3.*optimiser\.lr"):
        refuse_non_finite("judge", judge, 3)


def test_the_kept_step_goes_with_the_checkpoint(tmp_path):
    checkpoint, other = Checkpoint(tmp_path / "joint.pt", "x"), tmp_path / "joint2.diverged-0.pt"
    other.touch()
    for path in (checkpoint.diverged(0), checkpoint.diverged(1)):
        with atomic_file(path) as temporary:
            temporary.touch()
    checkpoint.delete()
    assert list(tmp_path.iterdir()) == [other]
