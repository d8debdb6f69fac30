"""One loop for all trainings: Muon or AdamW, warm-up and cosine, clipping, EMA, guards, progress, resumable checkpoints.

Everything random in step s is drawn after seeding with (seed, s, process), so a resumed training repeats the
uninterrupted one without saving generator states, on a CPU bit for bit.

Several processes (accelerate) share each batch: the same steps, up to rounding, as one process makes.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint as recomputed
from torch.utils.data import Dataset

from sweettok.errors import InputError
from sweettok.models.processes import gathered_objects, mean_over_processes
from sweettok.params import Machine, Optimiser
from sweettok.training.average import MovingAverage
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.compilation import Compiled, CompiledLosses, compiles
from sweettok.training.divergence import Watch, diverged, non_finite, refuse_non_finite
from sweettok.training.loading import Batch, micro_batches, prefetched
from sweettok.training.muon import Muon, optimisers
from sweettok.training.progress import Progress

if TYPE_CHECKING:
    from accelerate import Accelerator

LOG_EVERY = 20
PLAIN = Machine()  # one process that reads its own clips
Metrics = dict[str, Tensor]  # scalars on the device: to read one waits for it, so that only steps that log do


class Task(Protocol):
    """What is trained. `validate` gets the model to run, so that the same task validates the averaged weights."""

    name: str
    model: nn.Module

    @property
    def dataset(self) -> Dataset[Batch]:
        """Clip indices (B,) -> what `loss` needs of them, `indices` included, on the CPU. Pickled for workers."""

    def trainable(self) -> list[nn.Parameter]: ...

    @property
    def unused_parameters(self) -> bool:
        """Whether some of these get no gradient in a step: data parallelism then looks for them, which takes time."""

    def layers(self) -> list[nn.Module]:
        """The model's large repeated parts, which activation checkpointing runs twice."""

    def compile(self, how: Callable[[Callable], Callable]) -> None:
        """Have what a step computes of its batch compiled by `how`."""

    def to(self, device: torch.device) -> None:
        """Move the model and whatever else the losses need."""

    def batches(self, batch_size: int, steps: int, start: int) -> Iterator[Tensor]: ...

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, Metrics]:
        """What was read -> (loss to minimise, a mean over clips; metrics to log, without gradient)."""

    def after_step(self, step: int) -> Metrics:
        """Further updates (a discriminator's), after the model's own; metrics to log."""

    def validate(self, model: nn.Module) -> dict[str, float]: ...

    def state(self) -> dict[str, Any]: ...

    def load_state(self, state: dict[str, Any]) -> None: ...


def learning_rate(step: int, optimiser: Optimiser) -> float:
    """Linear warm-up to lr, then cosine to final_lr at the last step."""
    if step < optimiser.warmup:
        return optimiser.lr * (step + 1) / (optimiser.warmup + 1)
    progress = (step - optimiser.warmup) / max(1, optimiser.steps - optimiser.warmup)
    return optimiser.final_lr + (optimiser.lr - optimiser.final_lr) * (1 + math.cos(math.pi * progress)) / 2


class Forward(nn.Module):
    """A task's loss as one forward pass, which is what data parallelism can wrap."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task, self.model = task, task.model

    def forward(self, batch: Batch, step: int) -> tuple[Tensor, Metrics]:
        return self.task.loss(batch, step)


def train(
    task: Task,
    optimiser: Optimiser,
    seed: int,
    checkpoint: Checkpoint,
    run: Any = None,
    first_step: int = 0,
    machine: Machine = PLAIN,
) -> tuple[nn.Module, list[dict]]:
    """Train `task.model` and return (averaged model in eval mode, history rows), both the same in all processes.

    Args:
        seed: of everything random in the steps.
        checkpoint: saved every `optimiser.checkpoint_every` steps; an existing one of the same identity is resumed.
        run: sweettok.tracking run that gets the logged metrics, or None (in all processes but the first).
        first_step: where this training starts on the run's step axis.
        machine: how it runs; `processes` is the launcher's, here their number is what it is.

    Trains where accelerate finds a device, and hands everything back on the CPU.
    Raises TrainingDiverged with step and batch where loss or gradient are not finite (on a GPU at the next step that logs,
    validates or saves), with the step's batch and weights saved beside the checkpoint (buffers as the last step left them),
    and where weights are not; InputError where the batch cannot be shared out or the launcher's way of sharing is not
    supported.
    """
    accelerator = _accelerator(task.unused_parameters)
    rank, processes, first = accelerator.process_index, accelerator.num_processes, accelerator.is_main_process
    task.to(accelerator.device)
    model, parameters = task.model, task.trainable()
    average, movers = MovingAverage(model, optimiser.ema), optimisers(model, parameters, optimiser)
    watch = Watch(accelerator.device, movers)
    start, history = _resume(checkpoint, task, average, movers)
    if machine.activation_checkpointing:
        checkpoint_layers(task.layers())
    if compiles(machine, accelerator.device) and processes == 1:
        replays = accelerator.device.type == "cuda" and optimiser.accumulate == 1
        task.compile(partial(CompiledLosses, name=task.name, mode="reduce-overhead" if replays else "default"))
        for mover in movers:
            if isinstance(mover, Muon):  # AdamW is one kernel as it is
                mover.compile(partial(Compiled, name=f"{task.name}, Muon"))
    forward = accelerator.prepare(Forward(task)) if processes > 1 else Forward(task)
    of_all = task.batches(optimiser.batch_size, optimiser.steps, start)
    parts = micro_batches(of_all, optimiser.accumulate, rank, processes)
    batches = prefetched(task.dataset, parts, accelerator.device, machine.workers)
    progress = Progress(task.name, optimiser.steps, start, history, run, first_step, visible=first)
    for step in range(start, optimiser.steps):
        torch.manual_seed(seed_of_step(seed, step, rank))
        rate = learning_rate(step, optimiser)
        for mover in movers:
            for group in mover.param_groups:
                group["lr"] = group["initial_lr"] * rate / optimiser.lr
            mover.zero_grad(set_to_none=True)
        loss, metrics, clips = _gradients(accelerator, forward, batches, step, optimiser)
        watch.add(step, loss, nn.utils.clip_grad_norm_(parameters, optimiser.grad_clip), clips)
        done, last = step + 1, step + 1 == optimiser.steps
        logs, validates, saves = (
            done % every == 0 or last for every in (LOG_EVERY, optimiser.validate_every, optimiser.checkpoint_every)
        )
        if (logs or validates or saves or not watch.waits) and (broken := watch.first_broken()):
            at, loss_there, norm, clips = broken
            batch, seed_there = task.dataset[clips], seed_of_step(seed, at, rank)
            raise diverged(task.name, model, batch, at, seed_there, loss_there, norm, checkpoint.diverged(rank))
        for mover in movers:
            mover.step()
        metrics |= task.after_step(step)
        average.update()

        progress.bar.update()
        if logs:  # usage is a mean of shares, each of a part of the batch
            row = mean_row(gathered_objects({name: float(value) for name, value in metrics.items()}))
            progress.train_row(done, {"loss": loss.item(), **row, "lr": rate})
        if validates:
            progress.validation_row(done, validate(task, average.module))
        if saves:
            refuse_non_finite(task.name, model, done)
            if first and not last:
                checkpoint.save(_state(done, history, task, average, movers))
    progress.bar.close()
    task.to(torch.device("cpu"))
    return average.module.cpu(), history


def _state(
    done: int, history: list[dict], task: Task, average: MovingAverage, movers: list[torch.optim.Optimizer]
) -> dict[str, Any]:
    """Everything that the steps after the first `done` depend on."""
    return {
        "step": done, "history": history, "model": task.model.state_dict(), "average": average.state_dict(),
        "task": task.state(), "optimisers": [mover.state_dict() for mover in movers],
    }  # fmt: skip


def _resume(
    checkpoint: Checkpoint, task: Task, average: MovingAverage, movers: list[torch.optim.Optimizer]
) -> tuple[int, list[dict]]:
    """Fill all of these from the checkpoint, where there is one: (steps done, their history)."""
    saved = checkpoint.load()
    if saved is None:
        return 0, []
    task.model.load_state_dict(saved["model"])
    average.load_state_dict(saved["average"])
    task.load_state(saved["task"])
    for mover, state in zip(movers, saved["optimisers"], strict=True):
        mover.load_state_dict(state)
    return saved["step"], saved["history"]


def _gradients(
    accelerator: "Accelerator", forward: nn.Module, batches: Iterator[Batch], step: int, optimiser: Optimiser
) -> tuple[Tensor, Metrics, Tensor]:
    """Gradients of a step's batch, part by part: (loss of the whole batch, metrics and clips of this process's share)."""
    losses, rows, clips = list[Tensor](), list[Metrics](), list[Tensor]()
    for part in range(1, optimiser.accumulate + 1):
        batch = next(batches)
        # Only the last part's backward pass exchanges gradients, for all parts at once.
        alone = part < optimiser.accumulate and isinstance(forward, DistributedDataParallel)
        with forward.no_sync() if alone else nullcontext():
            with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=optimiser.precision == "bf16"):
                try:
                    loss, metrics = forward(batch, step)
                except (RuntimeError, ValueError):  # k-means of codes fails on a NaN before any loss shows it
                    if not non_finite(dict(forward.named_parameters())):
                        raise
                    nothing = torch.full((), math.nan, device=accelerator.device)
                    return nothing, {}, torch.cat([*clips, batch["indices"]])
            (loss / optimiser.accumulate).backward()
        losses.append(loss.detach())
        rows.append({name: value.double() for name, value in metrics.items()})
        clips.append(batch["indices"])
    loss = mean_over_processes(sum(losses) / len(losses))  # the same in all, so that all stop or none
    return loss, mean_row(rows), torch.cat(clips)


def _accelerator(unused_parameters: bool) -> "Accelerator":
    """The device and the processes of this training, as the launcher has set them up. Raises InputError for others."""
    from accelerate import Accelerator  # here, so that who only opens what was trained needs no more than torch
    from accelerate.utils import DistributedDataParallelKwargs, DistributedType

    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(),
        mixed_precision="no",  # `optimiser.precision` decides, whatever the launcher was told
        kwargs_handlers=[
            # Statistics are the same in all processes as they are.
            DistributedDataParallelKwargs(find_unused_parameters=unused_parameters, broadcast_buffers=False)
        ],
    )
    known = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)
    if accelerator.distributed_type not in known:
        raise InputError(
            f"accelerate is set to {accelerator.distributed_type.value}, which trainings cannot share their work by; use "
            "`accelerate launch --multi_gpu`"
        )
    return accelerator


def seed_of_step(seed: int, step: int, rank: int) -> int:
    """What a process seeds with before a step. The CPU's generator sees the last 32 bits only, so they must differ."""
    if rank == 0:
        return seed * 1_000_003 + step
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0])


def checkpoint_layers(layers: list[nn.Module]) -> None:
    """Have the layers' activations computed again for the gradient."""
    for layer in layers:
        layer.forward = partial(recomputed, layer.forward, use_reentrant=False)


def mean_row(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Metric by metric the mean of rows that have the same metrics, numbers or scalars."""
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


@torch.no_grad()
def validate(task: Task, model: nn.Module) -> dict[str, float]:
    """The task's validation metrics with `model` in eval mode."""
    model.eval()
    return task.validate(model)
