"""What the tasks that train on clips share: batches of a store, validation, means over it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sweettok.models.convolution import CausalBlock
from sweettok.models.processes import gathered_objects, process_count, process_rank
from sweettok.models.queries import QueryLayer
from sweettok.training.loading import Batch, ClipDataset, prefetched
from sweettok.video.store import batches

VALIDATION_BATCH = 32


class StoreTask(ABC):
    """Shared by the tasks that read clips: batches of the training split, validation over the whole val split."""

    unused_parameters = False

    def __init__(self, name: str, model: nn.Module, train: ClipDataset, val: ClipDataset, seed: int) -> None:
        self.name, self.model, self.dataset, self.val_dataset, self.seed = name, model, train, val, seed
        self.device = torch.device("cpu")

    def trainable(self) -> list[nn.Parameter]:
        return list(self.model.parameters())

    @abstractmethod
    def compute(self, *given: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """What a step computes: (loss, metrics). It draws nothing but in the model, and reads no value."""

    def compile(self, how: Callable[[Callable], Callable]) -> None:
        self.compute = how(self.compute)  # type: ignore[method-assign]  # of this task alone

    def layers(self) -> list[nn.Module]:
        return [module for module in self.model.modules() if isinstance(module, QueryLayer | CausalBlock)]

    def to(self, device: torch.device) -> None:
        self.device = device
        self.model.to(device)

    def batches(self, batch_size: int, steps: int, start: int) -> Iterator[Tensor]:
        return batches(self.dataset.store, batch_size, steps, self.seed, start)

    def validation(self) -> Iterator[Batch]:
        """What was read of this process's share of the validation clips."""
        share = torch.arange(len(self.val_dataset.store)).tensor_split(process_count())[process_rank()]
        parts = (part for part in share.split(VALIDATION_BATCH) if len(part))
        return prefetched(self.val_dataset, parts, self.device, workers=0)

    def after_step(self, step: int) -> dict[str, Tensor]:
        return {}

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:  # noqa: B027  (most tasks have no state)
        pass


class RunningMeans:
    """Sample-weighted means of named metrics over batches, of all processes."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.n = 0

    def add(self, metrics: Mapping[str, Tensor | float], n: int) -> None:
        self.n += n
        for name, value in metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value) * n

    def means(self) -> dict[str, float]:
        everywhere = [each for each in gathered_objects((self.sums, self.n)) if each[1]]
        n = sum(count for _, count in everywhere)
        return {name: sum(sums[name] for sums, _ in everywhere) / n for name in everywhere[0][0]}
