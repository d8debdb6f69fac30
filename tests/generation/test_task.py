"""The prior in the training loop: what is read, how the machine's settings leave its gradients."""

import pytest
import torch

from sweettok.generation.layout import TokenGroup, TokenLayout
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.task import PriorTask
from sweettok.params import Machine
from sweettok.training.loop import prepare_layers

LAYOUT = TokenLayout((TokenGroup("spatial", 4, ((0, 11),)), TokenGroup("temporal", 6, ((0, 7),))))


class Labelled:
    """As much of a store as a prior needs."""

    def __init__(self, count):
        import pandas

        self.labels = pandas.DataFrame({"label": torch.arange(count).remainder(3).tolist()})

    def __len__(self):
        return len(self.labels)


@pytest.fixture
def make_task():
    def make():
        generator = torch.Generator().manual_seed(0)
        ids = {
            split: torch.cat([torch.randint(11, (count, 4), generator=generator),
                              11 + torch.randint(7, (count, 6), generator=generator)], dim=1)
            for split, count in (("train", 8), ("val", 5))
        }  # fmt: skip
        return PriorTask(Prior(PriorConfig(2, 2, 16, 3, 0.5, LAYOUT), generator), ids, Labelled(8), Labelled(5), seed=0)

    return make


def test_reads_ids_and_labels_of_the_clips_asked_for(make_task):
    task = make_task()
    batch = task.read(torch.tensor([5, 1]))
    assert torch.equal(batch["ids"], task.ids["train"][[5, 1]]) and batch["labels"].tolist() == [2, 1]
    assert torch.equal(task.read(torch.tensor([4]), "val")["ids"], task.ids["val"][[4]])


def test_validation_is_the_loss_of_all_clips_without_dropout(make_task):
    task = make_task()
    with torch.no_grad():
        expected = task.model.eval().loss(task.ids["val"], task.labels["val"])
        found = task.validate(task.model)
    assert found == pytest.approx({name: value.item() for name, value in expected.items()}, rel=1e-5)


def test_activation_checkpointing_gives_the_same_gradients(make_task):
    gradients = []
    for recompute in (False, True):
        task = make_task()
        assert len(task.layers()) == 2
        prepare_layers(task.layers(), Machine(activation_checkpointing=recompute))
        torch.manual_seed(3)
        loss, _ = task.loss(task.read(torch.arange(6)), 0)
        loss.backward()
        gradients.append([parameter.grad for parameter in task.trainable() if parameter.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 10
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
