"""Training the judge, and the labels it learns."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sweettok.errors import InputError
from sweettok.models.judge import Judge
from sweettok.training.loading import Batch, ClipDataset
from sweettok.training.store_task import RunningMeans, StoreTask
from sweettok.video.store import ClipStore, to_float

POSE = "pose"  # the label a judge learns where the data's own say nothing
LABEL_SMOOTHING = 0.05  # of the judge's targets in training


class JudgeTask(StoreTask):
    """Classify every label from frames and from the clip.

    Where all clips share one class and have no factors, labels teach nothing. The judge then learns which way a clip
    was turned (Gidaris et al. 2018, RotNet) and whether it runs backwards: label `POSE`.
    """

    model: Judge

    def __init__(self, model: Judge, train: ClipStore, val: ClipStore, seed: int) -> None:
        values = judge_labels(train)
        self.poses = len(values.pop(POSE, ()))
        dataset, val_dataset = (ClipDataset(store, label_tensors(store, values)) for store in (train, val))
        super().__init__("judge", model, dataset, val_dataset, seed)

    def _scores(
        self, model: Judge, clip: Tensor, targets: Batch, frame: int | Tensor = 0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and accuracies; image features are of this frame."""
        loss, correct = clip.new_zeros(()), {}
        if self.poses:
            clip = posed(clip, targets[POSE])
        smoothing = LABEL_SMOOTHING if torch.is_grad_enabled() else 0.0
        for name, (image, video) in model.predict(clip, frame).items():
            wanted = targets[name]
            for logits in (image, video):
                loss = loss + F.cross_entropy(logits.float(), wanted, label_smoothing=smoothing)
            correct[f"accuracy_{name.removeprefix('factor:')}"] = (video.argmax(-1) == wanted).float().mean()
        return loss / (2 * len(model.labels)), correct

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        self.model.train()
        clip = to_float(batch["pixels"])
        each = (len(clip), 1, 1, 1, 1)
        clip = torch.where(torch.rand(each, device=clip.device) < 0.5, clip.flip(-1), clip)  # no label names a side
        # Noise and a random gain keep the judge from leaning on exact pixel values.
        clip = clip * torch.empty(each, device=clip.device).uniform_(0.8, 1.0) + 0.05 * torch.randn_like(clip)
        drawn = {POSE: torch.randint(self.poses, (len(clip),), device=clip.device)} if self.poses else {}
        return self.compute(clip, batch | drawn, torch.randint(clip.shape[2], (1,), device=clip.device))

    def compute(self, clip: Tensor, targets: Batch, frame: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return self._scores(self.model, clip, targets, frame)

    def validate(self, model: Judge) -> dict[str, float]:
        total = RunningMeans()
        for batch in self.validation():
            fixed = {POSE: batch["indices"] % self.poses} if self.poses else {}
            loss, correct = self._scores(model, to_float(batch["pixels"]), batch | fixed)
            total.add({"loss": loss, **correct}, len(batch["indices"]))
        return total.means()


def posed(clip: Tensor, pose: Tensor) -> Tensor:
    """Each clip (B, 3, T, H, W) of square frames in its pose (B,): pose % 4 quarter turns, from pose 4 on backwards."""
    way = pose.view(-1, 1, 1, 1, 1)
    clip = torch.where(way % 2 == 1, clip.rot90(1, (-2, -1)), clip)
    clip = torch.where(way % 4 >= 2, clip.flip(-2, -1), clip)
    return torch.where(way >= 4, clip.flip(2), clip)


def judge_labels(store: ClipStore) -> dict[str, list[str]]:
    """What a judge of these clips learns: every label, and `POSE` where each label has but one value."""
    values = label_values(store)
    if max(map(len, values.values())) > 1:
        return values
    backwards = ("", " backwards") if store.frames > 1 else ("",)
    return values | {POSE: [f"{turns} quarter turns{way}" for way in backwards for turns in range(4)]}


def label_values(store: ClipStore) -> dict[str, list[str]]:
    """The values of every label of a store: `class` in the store's order, so that a class's place is its label, and
    each `factor:*` column, sorted."""
    factors = [name for name in store.labels.columns if name.startswith("factor:")]
    return {"class": store.classes} | {name: sorted(store.labels[name].unique()) for name in factors}


def label_tensors(store: ClipStore, values: dict[str, list[str]]) -> dict[str, Tensor]:
    """Each label of each clip as its place among `values`: (clips,) int64. Raises InputError for a value not there."""
    tensors = {}
    for name, known in values.items():
        places = store.labels[name].map({value: place for place, value in enumerate(known)})
        if places.isna().any():
            strange = store.labels[name][places.isna()].iloc[0]
            raise InputError(f"{store.split} has {name} {strange!r}, which train lacks; use more training clips")
        tensors[name] = torch.tensor(places.to_numpy(), dtype=torch.long)
    return tensors
