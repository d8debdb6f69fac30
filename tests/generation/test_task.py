"""The prior in the training loop: what is read, how the machine's settings leave its gradients."""

import pytest
import torch
from memory_store import random_store

from sweettok.generation.layout import TokenGroup, TokenLayout
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.task import PriorTask
from sweettok.params import Machine, Optimiser
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.loop import checkpoint_layers, train

LAYOUT = TokenLayout((TokenGroup("spatial", 4, ((0, 11),)), TokenGroup("temporal", 6, ((0, 7),))))


@pytest.fixture
def make_task():
    def make():
        generator = torch.Generator().manual_seed(0)
        ids = {
            split: torch.cat([torch.randint(11, (count, 4), generator=generator),
                              11 + torch.randint(7, (count, 6), generator=generator)], dim=1)
            for split, count in (("train", 8), ("val", 5))
        }  # fmt: skip
        stores = random_store(8, "train", classes=3), random_store(5, "val", classes=3)
        return PriorTask(Prior(PriorConfig(2, 2, 16, 3, 0.5, LAYOUT), generator), ids, *stores, seed=0)

    return make


def test_reads_ids_and_labels_of_the_clips_asked_for(make_task):
    task = make_task()
    batch = task.dataset[torch.tensor([5, 1])]
    assert torch.equal(batch["ids"], task.dataset.known["ids"][[5, 1]]) and batch["labels"].tolist() == [2, 1]
    assert batch.keys() == {"indices", "ids", "labels"}


def test_validation_is_the_loss_of_all_clips_without_dropout(make_task):
    task = make_task()
    with torch.no_grad():
        known = task.val_dataset.known
        expected = task.model.eval().loss(known["ids"], known["labels"])
        found = task.validate(task.model)
    assert found == pytest.approx({name: value.item() for name, value in expected.items()}, rel=1e-5)


def test_activation_checkpointing_gives_the_same_gradients(make_task):
    gradients = []
    for recompute in (False, True):
        task = make_task()
        assert len(task.layers()) == 2
        if recompute:
            checkpoint_layers(task.layers())
        torch.manual_seed(3)
        loss, _ = task.loss(task.dataset[torch.arange(6)], 0)
        loss.backward()
        gradients.append([parameter.grad for parameter in task.trainable() if parameter.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 10
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_workers_change_no_loss(make_task, tmp_path):
    optimiser = Optimiser(
        algorithm="adamw", steps=4, batch_size=4, lr=1e-3, final_lr=1e-4, adam_lr=1e-3, warmup=0, betas=(0.9, 0.99),
        weight_decay=0.0, grad_clip=1.0, ema=0.9, precision="fp32", checkpoint_every=5, validate_every=2,
    )  # fmt: skip
    (_, alone), (_, helped) = (
        train(make_task(), optimiser, 0, Checkpoint(tmp_path / f"{workers}.pt", "x"), machine=Machine(workers=workers))
        for workers in (0, 2)
    )
    assert helped == alone and [row["split"] for row in alone] == ["val", "train", "val"]
