"""The batches of a training: which clips this process reads, and reading them ahead of the step that needs them."""

import multiprocessing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sweettok.errors import InputError
from sweettok.parent_process import end_with_parent
from sweettok.video.store import ClipStore

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class ClipDataset(Dataset[Batch]):
    """A split's clips with what is known of each. It pickles small: another process opens the store anew.

    Args:
        known: name -> what is known of the clips, (clips, ...).
        frames: how many frames from the start of each clip are given; None: all, 0: no pixels.
    """

    store: ClipStore
    known: dict[str, Tensor] = field(default_factory=dict)
    frames: int | None = None

    def __getitem__(self, indices: Tensor) -> Batch:
        """Of the clips `indices` (B,): these, `pixels` uint8 (B, frames, H, W, 3), what is known. On the CPU.

        Who computes makes floats of the pixels, four times the bytes, on the device.
        """
        batch = {"indices": indices} | {name: values[indices] for name, values in self.known.items()}
        if self.frames != 0:
            batch["pixels"] = self.store.pixels(indices)[:, : self.frames].contiguous()
        return batch


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


def prefetched(dataset: Dataset[Batch], parts: Iterable[Tensor], device: torch.device, workers: int) -> Iterator[Batch]:
    """`dataset[part]` of each part, on the device. With `workers` other processes read the next parts meanwhile, from
    pinned memory where the device copies from it on its own. The data set must draw nothing at random."""
    loader = DataLoader(
        dataset,
        sampler=parts,
        batch_size=None,  # parts are batches already
        num_workers=workers,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # else the loader would draw from the training's
        multiprocessing_context=_fork_server() if workers else None,
        worker_init_fn=_end_with_training,
    )
    for batch in loader:
        yield {name: value.to(device, non_blocking=True) for name, value in batch.items()}


def _fork_server() -> ForkServerContext:
    """Workers are forked from a process without threads: a fork of this one would copy its threads' locks, held for ever.

    That process imports torch once, for the workers of all trainings of this process.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _end_with_training(worker: int) -> None:
    """Torch's own watch is on a worker's parent, which is the fork server; that lives as long as its workers do."""
    end_with_parent()
