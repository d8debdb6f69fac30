"""What decides a training's numbers: its seeds, each its own, and nothing of how it is run."""

from pathlib import Path

import pytest
import torch

from sweettok.models.judge import Judge
from sweettok.params import Machine, load_params
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.judge_task import JudgeTask, judge_labels
from sweettok.training.loop import train
from sweettok.training.proxy_task import ProxyTask

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
    """Trainings of the tokenizer, on codes and on pixels with a discriminator: the same losses and weights."""
    trains = ("decoder", "pixel_decoder") if target == "pixels" else ("spatial", "temporal", "decoder")
    stage = stage_of(target=target, trains=trains, steps=4)
    results = {}
    for workers in (0, 1, 2):
        task = task_of(make_model(), stage)
        place, machine = Checkpoint(tmp_path / f"{workers}.pt", "x"), Machine(workers=workers)
        averaged, history = train(task, stage.optimiser, 0, place, machine=machine)
        results[workers] = averaged.state_dict(), history
    weights, rows = results[0]
    for theirs, their_rows in results.values():
        assert their_rows == rows and all(torch.equal(value, theirs[name]) for name, value in weights.items())


@pytest.mark.parametrize("name", ["judge", "proxy"])
def test_nor_of_the_networks_before_the_tokenizer(stores, judge, make_proxy, optimiser_of, tmp_path, name):
    rows = []
    for workers in (0, 2):
        torch.manual_seed(0)
        clips = stores["train"], stores["train"]  # val has labels that train lacks
        labels = {label: len(values) for label, values in judge_labels(stores["train"]).items()}
        task = (
            JudgeTask(Judge(labels, 4), *clips, 0)
            if name == "judge"
            else ProxyTask(make_proxy().requires_grad_(True), judge, *clips, 0)
        )
        place, machine = Checkpoint(tmp_path / f"{workers}.pt", "x"), Machine(workers=workers)
        rows.append(train(task, optimiser_of(steps=4), 0, place, machine=machine)[1])
    assert rows[0] == rows[1]


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
