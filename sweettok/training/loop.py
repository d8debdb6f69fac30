"""One loop for all trainings: AdamW, warm-up and cosine, clipping, EMA, guards, progress, resumable checkpoints.

Everything random in step s is drawn after seeding with (seed, s), so a resumed training repeats the uninterrupted one
bit for bit without saving generator states.
"""

import copy
import logging
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from sweettok.errors import InputError
from sweettok.params import Optimiser
from sweettok.training.checkpoint import Checkpoint

log = logging.getLogger(__name__)
USAGE_ALARM = 0.05  # share of words in use on validation clips under which a codebook counts as collapsed
LOG_EVERY = 20


class Task(Protocol):
    """What is trained. `loss` gets the model to run, so that the same task validates the averaged weights."""

    name: str
    model: nn.Module

    def trainable(self) -> list[nn.Parameter]: ...

    def batches(self, batch_size: int, steps: int, start: int) -> Iterator[Tensor]: ...

    def loss(self, indices: Tensor, step: int) -> tuple[Tensor, dict[str, float]]:
        """Clip indices -> (loss to minimise, metrics to log)."""

    def after_step(self, step: int) -> dict[str, float]:
        """Further updates (a discriminator's), after the model's own; metrics to log."""

    def validate(self, model: nn.Module) -> dict[str, float]: ...

    def state(self) -> dict[str, Any]: ...

    def load_state(self, state: dict[str, Any]) -> None: ...


class TrainingDiverged(InputError):
    """Loss or gradient became NaN or infinite."""


def learning_rate(step: int, optimiser: Optimiser) -> float:
    """Linear warm-up to lr, then cosine to final_lr at the last step."""
    if step < optimiser.warmup:
        return optimiser.lr * (step + 1) / (optimiser.warmup + 1)
    progress = (step - optimiser.warmup) / max(1, optimiser.steps - optimiser.warmup)
    return optimiser.final_lr + (optimiser.lr - optimiser.final_lr) * (1 + math.cos(math.pi * progress)) / 2


class Average:
    """Exponential moving average of a model's weights; buffers are copied. The decay warms up, so that short
    trainings do not average in their first steps."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.model = decay, copy.deepcopy(model).eval()
        self.model.requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - decay)
        for mine, theirs in zip(self.model.buffers(), model.buffers(), strict=True):
            mine.copy_(theirs)
        self.model.eval()  # drops what eval mode caches from the old weights


def train(
    task: Task, optimiser: Optimiser, seed: int, checkpoint: Checkpoint, run: Any = None, first_step: int = 0
) -> tuple[nn.Module, list[dict]]:
    """Train `task.model` and return (averaged model in eval mode, history rows).

    Args:
        seed: of everything random in the steps.
        checkpoint: saved every `optimiser.checkpoint_every` steps; an existing one of the same identity is resumed.
        run: sweettok.tracking run that gets the logged metrics, or None.
        first_step: where this training starts on the run's step axis.

    Raises TrainingDiverged with step and batch where loss or gradient are not finite.
    """
    model, parameters = task.model, task.trainable()
    adam = torch.optim.AdamW(
        parameters, lr=optimiser.lr, betas=optimiser.betas, weight_decay=optimiser.weight_decay, fused=True
    )
    average = Average(model, optimiser.ema)
    history: list[dict] = []
    start = 0
    validated: dict[str, float] = {}  # shown in the bar: in trainings on proxy codes only validation decodes to pixels
    if (saved := checkpoint.load()) is not None:
        model.load_state_dict(saved["model"])
        average.model.load_state_dict(saved["average"])
        adam.load_state_dict(saved["adam"])
        task.load_state(saved["task"])
        history, start = saved["history"], saved["step"]

    bar = tqdm(total=optimiser.steps, initial=start, desc=task.name, unit="step", mininterval=1.0, dynamic_ncols=True)
    clock, clock_step = time.perf_counter(), start
    for step, indices in enumerate(task.batches(optimiser.batch_size, optimiser.steps, start), start):
        torch.manual_seed(seed * 1_000_003 + step)
        for group in adam.param_groups:
            group["lr"] = learning_rate(step, optimiser)
        with torch.autocast("cpu", torch.bfloat16) if optimiser.precision == "bf16" else nullcontext():
            loss, metrics = task.loss(indices, step)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, optimiser.grad_clip)
        if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
            raise TrainingDiverged(
                f"{task.name}: loss {loss.item()} with gradient norm {norm.item():.3g} at step {step} on clips "
                f"{indices.tolist()}; lower the section's optimiser.lr or set precision to fp32"
            )
        adam.step()
        metrics |= task.after_step(step)
        average.update(model, step)

        done = step + 1
        bar.update()
        if done % LOG_EVERY == 0 or done == optimiser.steps:
            speed = (done - clock_step) / (time.perf_counter() - clock)
            clock, clock_step = time.perf_counter(), done
            row = {"step": done, "split": "train", "loss": loss.item(), **metrics, "lr": learning_rate(step, optimiser)}
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
            row = {"step": done, "split": "val", **validate(task, average.model)}
            validated = {"val_psnr": row["psnr"]} if "psnr" in row else {}
            if not any(_collapsed(earlier) for earlier in history):  # once a training, however often it is resumed
                _warn_of_collapse(task.name, row)
            history.append(row)
            if run:
                run.log_metrics(
                    {f"val/{name}": row[name] for name in row if name not in ("step", "split")}, first_step + done
                )
        if done % optimiser.checkpoint_every == 0 and done < optimiser.steps:
            checkpoint.save(
                {"step": done, "history": history, "model": model.state_dict(), "average": average.model.state_dict(),
                 "adam": adam.state_dict(), "task": task.state()}
            )  # fmt: skip
    bar.close()
    return average.model, history


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
