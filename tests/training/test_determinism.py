"""What decides a training's numbers: its seeds, each its own, and nothing of how it is run."""

from pathlib import Path

import pytest
import torch

from sweettok.params import Machine, load_params
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.loop import train

# What is drawn at random -> the key that seeds it.
SEEDS = {
    "clips": "data.seed", "initial weights of the tokenizer": "tokenizer.seed", "judge": "judge.seed",
    "proxy": "proxy.seed", "order of the spatial training": "train_spatial.seed", "of the joint": "train_joint.seed",
    "of the pixels": "finetune_pixels.seed", "prior": "generator.seed", "samples": "sampling.seed",
    "intervals": "evaluate_reconstruction.seed", "episodes and folds": "semantics.seed",
    "ablation cells": "ablation.matrix.seeds", "priors of several sizes": "prior_scaling.matrix.seeds",
}  # fmt: skip


@pytest.mark.parametrize("target", ["proxy_codes", "pixels"])
def test_loader_workers_change_no_bit(make_model, task_of, stage_of, tmp_path, target):
    """Trainings of the tokenizer, on codes and on pixels with a discriminator."""
    trains = ("decoder", "pixel_decoder") if target == "pixels" else ("spatial", "temporal", "decoder")
    stage = stage_of(target=target, trains=trains, steps=4)
    results = {}
    for workers in (0, 1, 3):
        task = task_of(make_model(), stage)
        place, machine = Checkpoint(tmp_path / f"{workers}.pt", "x"), Machine(workers=workers)
        averaged, history = train(task, stage.optimiser, 0, place, machine=machine)
        results[workers] = averaged.state_dict(), history
    weights, rows = results[0]
    for theirs, their_rows in results.values():
        assert their_rows == rows and all(torch.equal(value, theirs[name]) for name, value in weights.items())


def test_every_seed_has_its_own_key_and_is_recorded():
    """`flat` is what MLflow gets of every stage's sections."""
    flat = load_params(Path(__file__).parents[2] / "params.yaml").flat()
    assert {name for name in flat if name.rpartition(".")[2] in ("seed", "seeds")} == set(SEEDS.values())


def test_the_seed_of_the_weights_is_not_that_of_the_order(make_model, task_of, stage_of):
    """Another order of clips starts from the same weights; other weights see the clips in the same order."""
    first, other = (make_model(seed=seed).state_dict() for seed in (0, 1))
    assert any(not torch.equal(value, other[name]) for name, value in first.items())
    orders = {
        (weights, order): [batch.tolist() for batch in task_of(make_model(seed=weights), stage).batches(3, 8, 0)]
        for weights in (0, 1)
        for order in (0, 1)
        for stage in [stage_of().model_copy(update={"seed": order})]
    }
    assert orders[0, 0] == orders[1, 0] != orders[0, 1] == orders[1, 1]
