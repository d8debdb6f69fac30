"""The batches of a training: which clips this process reads, and reading them ahead of the step that needs them."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sweettok.errors import InputError

Batch = dict[str, Tensor]


def micro_batches(batches: Iterable[Tensor], accumulate: int, rank: int = 0, processes: int = 1) -> Iterator[Tensor]:
    """Of each batch of clip numbers (B,), the `accumulate` parts of process `rank`: (B / processes / accumulate,) each.

    The processes' shares are equal and lie one behind the other, so that joined they are the batch.
    Raises InputError where the batch cannot be shared out equally.
    """
    for batch in batches:
        if len(batch) % (processes * accumulate):
            raise InputError(
                f"optimiser.batch_size {len(batch)} is not a multiple of {processes} processes x {accumulate} "
                "accumulated parts; change one of batch_size, accumulate, machine.processes"
            )
        yield from batch.view(processes, accumulate, -1)[rank]


def prefetched(
    read: Callable[[Tensor], Batch], parts: Iterable[Tensor], device: torch.device, workers: int
) -> Iterator[Batch]:
    """`read` of each part, on the device. With `workers` other processes read the next parts meanwhile, from pinned
    memory where the device copies from it on its own. `read` must draw nothing at random."""
    loader = DataLoader(
        _Reading(read),
        sampler=parts,
        batch_size=None,  # parts are batches already
        num_workers=workers,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # else the loader would draw from the training's
    )
    for batch in loader:
        yield {name: value.to(device, non_blocking=True) for name, value in batch.items()}


class _Reading(Dataset):
    """A function in the form DataLoader takes."""

    def __init__(self, read: Callable[[Tensor], Batch]) -> None:
        self.read = read

    def __getitem__(self, indices: Tensor) -> Batch:
        return self.read(indices)
