"""Training batches from a clip store by several workers and processes, resumable at any step."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from sweettok.video.store import ClipStore, batches


@dataclass
class ClipBatches(IterableDataset):
    """Training batches: (clips float32 (B, 3, T, H, W) in [-1, 1], labels int64 (B,)), for a DataLoader.

    Give it to `DataLoader(..., batch_size=None, num_workers=n)`. Batch `step` is the same for any number of workers and
    wherever training was resumed (start_step); the `ranks` processes of a training take equal, disjoint parts of each
    global batch of ranks * batch_size clips, so that none waits for another at an epoch's end.
    Raises ValueError: rank not in 0 .. ranks - 1, batch_size < 1.
    """

    store: ClipStore
    batch_size: int
    steps: int
    seed: int
    start_step: int = 0
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.ranks:
            raise ValueError(f"expected a rank in 0..{self.ranks - 1}, got {self.rank}")
        if self.batch_size < 1:
            raise ValueError(f"expected batch_size >= 1, got {self.batch_size}")

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        turn, turns = (worker.id, worker.num_workers) if worker else (0, 1)
        rows = batches(self.store, self.ranks * self.batch_size, self.steps, self.seed, self.start_step)
        part = slice(self.rank * self.batch_size, (self.rank + 1) * self.batch_size)
        labels = torch.tensor(self.store.labels["label"].to_numpy())
        for numbers in islice(rows, turn, None, turns):  # a DataLoader asks its workers in turn
            yield self.store.clips(numbers[part]), labels[numbers[part]]
