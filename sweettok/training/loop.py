"""One loop for all trainings: Muon or AdamW, warm-up and cosine, clipping, EMA, guards, progress, resumable checkpoints.

Everything random in step s is drawn after seeding with (seed, s, process), so a resumed training repeats the
uninterrupted one bit for bit without saving generator states.

Several processes (accelerate) share each batch, and where its launcher asks for FSDP the weights too: the same steps, up to
rounding, as one process makes.
"""

import copy
import functools
import logging
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, DistributedType
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint as recomputed
from tqdm import tqdm

from sweettok.errors import InputError
from sweettok.models.processes import gathered_objects, mean_over_processes
from sweettok.params import Machine, Optimiser
from sweettok.training.average import Average
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.divergence import TrainingDiverged, cause, non_finite, refuse_non_finite, save_step
from sweettok.training.loading import Batch, loaded, parts_of
from sweettok.training.muon import optimisers
from sweettok.training.sharding import adam_state_for, shard, sharding_asked, whole, whole_state

log = logging.getLogger(__name__)
USAGE_ALARM = 0.05  # share of words in use on validation clips under which a codebook counts as collapsed
LOG_EVERY = 20
PLAIN = Machine()  # one process that reads its own clips


class Task(Protocol):
    """What is trained. `validate` gets the model to run, so that the same task validates the averaged weights."""

    name: str
    model: nn.Module

    def trainable(self) -> list[nn.Parameter]: ...

    def layers(self) -> list[nn.Module]:
        """The model's large repeated parts: what is compiled, and what activation checkpointing runs twice."""

    def to(self, device: torch.device) -> None:
        """Move the model and whatever else the losses need."""

    def batches(self, batch_size: int, steps: int, start: int) -> Iterator[Tensor]: ...

    def read(self, indices: Tensor) -> Batch:
        """Clip indices (B,) -> what `loss` needs of them, `indices` included, on the CPU; maybe in another process."""

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """What was read -> (loss to minimise, a mean over clips; metrics to log)."""

    def after_step(self, step: int) -> dict[str, float]:
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

    def forward(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
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

    Trains where accelerate finds a device, and hands everything back on the CPU, whole.
    Raises TrainingDiverged with step and batch where loss or gradient are not finite, with the step's batch and weights
    saved beside the checkpoint (buffers as the step left them), and where weights are not; InputError where the batch
    cannot be shared out or the launcher's way of sharing is not supported.
    """
    sharding = sharding_asked()
    accelerator = _accelerator()
    device, rank, processes = accelerator.device, accelerator.process_index, accelerator.num_processes
    given = task.model
    if sharding and processes > 1:
        task.model = copy.deepcopy(given)  # what FSDP has sharded stays so for good
    task.to(device)
    model = task.model
    average = Average(model, optimiser.ema)
    history: list[dict] = []
    start = 0
    validated: dict[str, float] = {}  # shown in the bar: in trainings on proxy codes only validation decodes to pixels
    if (saved := checkpoint.load()) is not None:
        model.load_state_dict(saved["model"])
        average.model.load_state_dict(saved["average"])
        task.load_state(saved["task"])
        history, start = saved["history"], saved["step"]
    prepare_layers(task.layers(), machine)
    forward = Forward(task)
    if model is not given:
        forward = shard(forward, task.layers(), device, sharding)
        average.shard(model)
    elif processes > 1:
        forward = accelerator.prepare(forward)
    parameters = task.trainable()
    movers = optimisers(task.model, parameters, optimiser, sharded=model is not given)
    for mover, state in zip(movers, saved["optimisers"] if saved else (), strict=False):
        mover.load_state_dict(adam_state_for(state, mover.param_groups[0]["params"]))
    of_all = task.batches(optimiser.batch_size, optimiser.steps, start)
    parts = parts_of(of_all, optimiser.accumulate, rank, processes)
    batches = loaded(task.read, parts, device, machine.workers)

    bar = tqdm(
        total=optimiser.steps, initial=start, desc=task.name, unit="step", mininterval=1.0, dynamic_ncols=True,
        disable=not accelerator.is_main_process,
    )  # fmt: skip
    clock, clock_step = time.perf_counter(), start
    for step in range(start, optimiser.steps):
        torch.manual_seed(seed_of_step(seed, step, rank))
        for mover in movers:
            for group in mover.param_groups:
                group["lr"] = group["initial_lr"] * learning_rate(step, optimiser) / optimiser.lr
            mover.zero_grad(set_to_none=True)
        loss, metrics, clips = _gradients(accelerator, forward, batches, step, optimiser)
        norm = whole(nn.utils.clip_grad_norm_(parameters, optimiser.grad_clip)).item()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            batch = task.read(clips.cpu())
            kept = save_step(
                checkpoint.diverged(rank), step=step, seed=seed_of_step(seed, step, rank), batch=batch,
                model=whole_state(model.state_dict()),
            )  # fmt: skip
            raise TrainingDiverged(
                f"{task.name}: loss {loss} with gradient norm {norm:.3g} at step {step} on clips "
                f"{clips.tolist()} (batch and weights in {kept}); {cause(model, batch)}"
            )
        for mover in movers:
            mover.step()
        metrics |= task.after_step(step)
        average.update(model, step)

        done = step + 1
        bar.update()
        if done % LOG_EVERY == 0 or done == optimiser.steps:
            speed = (done - clock_step) / (time.perf_counter() - clock)
            clock, clock_step = time.perf_counter(), done
            metrics = mean_row(gathered_objects(metrics))  # usage is a mean of shares, each of a part of the batch
            row: dict[str, Any] = {
                "step": done,
                "split": "train",
                "loss": loss,
                **metrics,
                "lr": learning_rate(step, optimiser),
            }
            history.append(row)
            shown = {name: row[name] for name in row if name not in ("step", "split", "lr")} | validated
            bar.set_postfix({name: f"{value:.3g}" for name, value in shown.items()}, refresh=False)
            if run:
                run.log_metrics(
                    {f"train/{name}": row[name] for name in row if name not in ("step", "split")}
                    | {"steps_per_s": speed},
                    first_step + done,
                )
        if done % optimiser.validate_every == 0 or done == optimiser.steps:
            row = {"step": done, "split": "val", **validate(task, average.gather())}
            average.release()
            validated = {"val_psnr": row["psnr"]} if "psnr" in row else {}
            if accelerator.is_main_process and not any(_collapsed(earlier) for earlier in history):
                _warn_of_collapse(task.name, row)  # once a training, however often it is resumed
            history.append(row)
            if run:
                run.log_metrics(
                    {f"val/{name}": row[name] for name in row if name not in ("step", "split")}, first_step + done
                )
        if done % optimiser.checkpoint_every == 0 or done == optimiser.steps:
            refuse_non_finite(task.name, model, done)
        if done % optimiser.checkpoint_every == 0 and done < optimiser.steps:
            state = {
                "step": done, "history": history, "model": whole_state(model.state_dict()),
                "average": average.gather().state_dict(), "task": task.state(),
                "optimisers": [whole_state(mover.state_dict()) for mover in movers],
            }  # fmt: skip
            if accelerator.is_main_process:
                checkpoint.save(state)
            average.release()
    bar.close()
    if model is not given:
        for mine, theirs in zip(given.state_dict().values(), model.state_dict().values(), strict=True):
            mine.copy_(whole(theirs))
        task.model = given
    task.to(torch.device("cpu"))
    return average.gather().cpu(), history


def _gradients(
    accelerator: Accelerator, forward: nn.Module, batches: Iterator[Batch], step: int, optimiser: Optimiser
) -> tuple[float, dict[str, float], Tensor]:
    """Gradients of a step's batch, part by part: (loss of the whole batch, metrics and clips of this process's share)."""
    losses, rows, clips = list[Tensor](), list[dict[str, float]](), list[Tensor]()
    for part in range(1, optimiser.accumulate + 1):
        batch = next(batches)
        # Only the last part's backward pass exchanges gradients, for all parts at once. Sharded ones are never kept whole.
        alone = part < optimiser.accumulate and isinstance(forward, DistributedDataParallel)
        with forward.no_sync() if alone else nullcontext():
            with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=optimiser.precision == "bf16"):
                try:
                    loss, metrics = forward(batch, step)
                except (RuntimeError, ValueError):  # k-means of codes fails on a NaN before any loss shows it
                    if not non_finite(batch | dict(forward.named_parameters())):
                        raise
                    return math.nan, {}, torch.cat([*clips, batch["indices"]])
            (loss / optimiser.accumulate).backward()
        losses.append(loss.detach())
        rows.append(metrics)
        clips.append(batch["indices"])
    loss = mean_over_processes(sum(losses) / len(losses)).item()  # the same in all, so that all stop or none
    return loss, mean_row(rows), torch.cat(clips)


def _accelerator() -> Accelerator:
    """The device and the processes of this training, as the launcher has set them up. Raises InputError for others."""
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(),
        mixed_precision="no",  # `optimiser.precision` decides, whatever the launcher was told
        kwargs_handlers=[
            # Images leave what handles time without a gradient; statistics are the same in all processes as they are.
            DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False)
        ],
    )
    known = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU, DistributedType.FSDP)
    if accelerator.distributed_type not in known:
        raise InputError(
            f"accelerate is set to {accelerator.distributed_type.value}, which trainings cannot share their work by; use "
            "`accelerate launch --multi_gpu` or `--use_fsdp --fsdp_version 2`"
        )
    return accelerator


def seed_of_step(seed: int, step: int, rank: int) -> int:
    """What a process seeds with before a step. The CPU's generator sees the last 32 bits only, so they must differ."""
    if rank == 0:
        return seed * 1_000_003 + step
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0])


def prepare_layers(layers: list[nn.Module], machine: Machine) -> None:
    """Compile the layers, and have their activations computed again for the gradient, as `machine` says."""
    for layer in layers:
        if machine.activation_checkpointing:
            layer.forward = functools.partial(recomputed, layer.forward, use_reentrant=False)
        if machine.compile:
            layer.compile()


def mean_row(rows: list[dict[str, float]]) -> dict[str, float]:
    """Metric by metric the mean of rows that have the same metrics."""
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


@torch.no_grad()
def validate(task: Task, model: nn.Module) -> dict[str, float]:
    """The task's validation metrics with `model` in eval mode."""
    model.eval()
    return task.validate(model)


def _collapsed(row: dict[str, Any]) -> dict[str, float]:
    """The codebooks that a validation row finds collapsed, with their usage."""
    if row["split"] != "val":  # one batch never uses all words
        return {}
    return {key: value for key, value in row.items() if key.startswith("usage") and value < USAGE_ALARM}


def _warn_of_collapse(name: str, row: dict[str, Any]) -> None:
    for key, value in _collapsed(row).items():
        tqdm.write(
            f"WARNING {name}: {key} is {value:.1%} at step {row['step']}: the codebook is collapsing; raise usage_entropy or lower lr"
        )
