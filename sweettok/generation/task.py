"""The prior as a task of the training loop."""

import torch
from torch import Tensor, nn

from sweettok.generation.prior import Prior
from sweettok.training.loading import Batch, ClipDataset
from sweettok.training.store_task import RunningMeans, StoreTask
from sweettok.video.store import ClipStore


class PriorTask(StoreTask):
    """Next-token prediction on the tokens of clips, given their class."""

    model: Prior

    def __init__(self, model: Prior, ids: dict[str, Tensor], train: ClipStore, val: ClipStore, seed: int) -> None:
        dataset, val_dataset = (
            ClipDataset(store, {"ids": ids[split], "labels": torch.tensor(store.labels["label"].to_numpy())}, frames=0)
            for split, store in (("train", train), ("val", val))
        )
        super().__init__("generator", model, dataset, val_dataset, seed)
        for known in (dataset.known, val_dataset.known):
            model.check(known["ids"], known["labels"])

    def layers(self) -> list[nn.Module]:
        return list(self.model.transformer.layers)

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        self.model.train()
        generator = torch.Generator(self.device).manual_seed(torch.initial_seed() + 1)
        return self.compute(batch["ids"], batch["labels"], self.model.dropped(batch["labels"], generator))

    def compute(self, ids: Tensor, labels: Tensor, drop: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        result = self.model.loss(ids, labels, drop)
        return result["loss"], {name: value for name, value in result.items() if name != "loss"}

    def validate(self, model: Prior) -> dict[str, float]:
        total = RunningMeans()
        for batch in self.validation():
            result = model.loss(batch["ids"], batch["labels"])
            total.add(result, len(batch["ids"]))
        return total.means()
