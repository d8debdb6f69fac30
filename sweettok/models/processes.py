"""Numbers over all processes of a training (torch.distributed). With one process nothing changes, to the last bit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor, nn


def own_device() -> torch.device:
    """Join the processes that a launcher has started with this one, and say where this one computes."""
    from accelerate import PartialState  # slow to import

    return PartialState(cpu=not torch.cuda.is_available()).device


def process_count() -> int:
    """Processes that train together; 1 where none were started together."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def process_rank() -> int:
    """This process's number among them, from 0."""
    return distributed.get_rank() if process_count() > 1 else 0


@contextmanager
def first_process_first() -> Iterator[None]:
    """The block runs in the first process, and when it has ended there, in the others."""
    if process_rank() > 0:
        distributed.barrier()
    yield
    if process_count() > 1 and process_rank() == 0:
        distributed.barrier()


def add_over_processes(x: Tensor) -> None:
    """Replace x, in place, by its sum over the processes. All of them must call this, with equal shapes."""
    if process_count() > 1:
        distributed.all_reduce(x)


def mean_over_processes(x: Tensor) -> Tensor:
    """The mean of x over the processes, the same in all to the last bit, with the gradient of x alone. All of them must
    call this, with equal shapes.

    What follows from the mean is the same in every process, and data parallelism averages gradients over them: the
    average of the processes' own gradients is the mean's, without a second exchange.
    """
    if process_count() == 1:
        return x
    total = x.detach().clone()
    distributed.all_reduce(total)
    return total / process_count() + (x - x.detach())  # + 0


def gathered(x: Tensor) -> Tensor:
    """The rows of x (n, ...) of all processes, in the order of their ranks: (processes n, ...), without gradient."""
    pieces = [torch.empty_like(x) for _ in range(process_count())]
    distributed.all_gather(pieces, x.detach().contiguous())
    return torch.cat(pieces)


def broadcast(x: Tensor) -> Tensor:
    """The first process's x, in all of them (shapes are equal)."""
    x = x.contiguous()
    distributed.broadcast(x, src=0)
    return x


def gathered_objects(value: Any) -> list[Any]:
    """The processes' values, in the order of their ranks."""
    values = [value] * process_count()
    if process_count() > 1:
        distributed.all_gather_object(values, value)
    return values


def over_processes(compute: Callable[[Any], Tensor], parts: Sequence[Any]) -> Tensor:
    """compute(part) (n, ...) of all parts, each process its share: joined in order, on the CPU, in all processes."""
    count = process_count()
    everyone = gathered_objects([compute(part).cpu() for part in parts[process_rank() :: count]])
    return torch.cat([everyone[number % count][number // count] for number in range(len(parts))])


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its mean over the processes, for a module that is trained outside data parallelism."""
    for parameter in parameters:
        if process_count() > 1 and parameter.grad is not None:
            distributed.all_reduce(parameter.grad)
            parameter.grad /= process_count()
