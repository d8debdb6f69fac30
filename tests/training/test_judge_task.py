"""The judge: its labels, the poses it learns where there are none, learning on few clips."""

import pytest
import torch
import torch.nn.functional as F

from sweettok.errors import InputError
from sweettok.models.judge import Judge
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.judge_task import (
    LABEL_SMOOTHING,
    POSE,
    JudgeTask,
    judge_labels,
    label_tensors,
    label_values,
    posed,
)
from sweettok.training.loop import train, validate
from sweettok.video.store import to_float


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # checkpoints go to outputs/ below the working folder


class OneClass:
    """A store's clips with nothing to tell them apart by."""

    def __init__(self, store):
        self.store, self.frames, self.size, self.split, self.classes = store, store.frames, store.size, "train", ["all"]
        self.labels = store.labels[["clip"]].assign(**{"class": "all", "label": 0})

    def __len__(self):
        return len(self.store)

    def clips(self, indices):
        return self.store.clips(indices)

    def pixels(self, indices):
        return self.store.pixels(indices)


def test_judge_learns(optimiser_of, stores):
    torch.manual_seed(0)
    values = label_values(stores["train"])
    task = JudgeTask(
        Judge({name: len(known) for name, known in values.items()}, 8), stores["train"], stores["train"], 0
    )
    start = validate(task, task.model)
    _, history = train(
        task, optimiser_of(steps=60, batch_size=12, lr=5e-3, ema=0.5, validate_every=60), 0, Checkpoint("x.pt", "x")
    )
    assert (
        history[-1]["loss"] < 0.8 * start["loss"]
        and "accuracy_class" in history[-1]
        and "accuracy_shape" in history[-1]
    )


def test_a_label_that_train_lacks_is_refused(stores):
    with pytest.raises(InputError, match="class 'slide'"):
        label_tensors(stores["train"], {"class": ["bounce", "rotate"]})


def test_where_there_is_one_class_the_judge_learns_poses(stores):
    store = OneClass(stores["train"])
    labels = judge_labels(store)
    assert labels["class"] == ["all"] and len(labels[POSE]) == 8 and POSE not in judge_labels(stores["train"])
    torch.manual_seed(0)
    task = JudgeTask(Judge({name: len(values) for name, values in labels.items()}, 4), store, store, 0)
    loss, metrics = task.loss(task.dataset[torch.arange(4)], 0)
    loss.backward()
    assert metrics["accuracy_class"] == 1 and 0 <= metrics["accuracy_pose"] <= 1
    assert task.model.video_heads[POSE].weight.grad.abs().sum() > 0
    assert task.validate(task.model) == task.validate(task.model)  # the poses of validation are not drawn


def test_targets_of_the_judge_are_smoothed_in_training_only(stores):
    torch.manual_seed(0)
    judge = Judge({"class": 3}, 4).eval()
    task = JudgeTask(judge, stores["train"], stores["train"], 0)
    batch = task.dataset[torch.arange(4)]
    clip = to_float(batch["pixels"])
    image, video = judge.predict(clip, 2)["class"]
    hot = F.one_hot(batch["class"], 3).float()
    for smoothing, found in ((0.0, torch.no_grad()(task._scores)), (LABEL_SMOOTHING, task._scores)):
        wanted = (1 - smoothing) * hot + smoothing / 3
        expected = -sum((wanted * logits.log_softmax(-1)).sum(-1).mean() for logits in (image, video)) / 2
        assert found(judge, clip, batch, 2)[0].item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_judge_learns_from_any_frame(stores):
    torch.manual_seed(0)
    judge, asked = Judge({name: len(values) for name, values in label_values(stores["train"]).items()}, 4), set()
    task = JudgeTask(judge, stores["train"], stores["train"], 0)
    predict = judge.predict
    judge.predict = lambda clip, frame=0: asked.add(int(frame)) or predict(clip, frame)
    for step in range(40):
        task.loss(task.dataset[torch.arange(2)], step)
    assert asked <= set(range(9)) and len(asked) > 5
    asked.clear()
    validate(task, judge)
    assert asked == {0}


def test_poses_are_eight_different_views_that_lose_nothing(stores):
    clip = stores["train"].clips([0]).expand(8, -1, -1, -1, -1)
    views = posed(clip, torch.arange(8))
    assert torch.equal(views[0], clip[0]) and torch.equal(views[4], clip[0].flip(1))
    assert torch.equal(views[2], clip[0].flip((-2, -1)))
    assert len({view.numpy().tobytes() for view in views}) == 8
    assert all(torch.equal(view.flatten().sort()[0], clip[0].flatten().sort()[0]) for view in views)


def test_labels_by_name_and_place(stores):
    values = label_values(stores["train"])
    assert "class" in values and "factor:shape" in values and "caption" not in values
    places = label_tensors(stores["train"], values)
    assert values["class"] == stores["train"].classes
    assert (
        places["class"].tolist() == stores["train"].labels["label"].tolist()
    )  # the judge's class is the store's label
    for name, known in values.items():
        assert set(known) == set(stores["train"].labels[name])
        assert [known[place] for place in places[name].tolist()] == stores["train"].labels[name].tolist()
