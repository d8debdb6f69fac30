"""A training whose numbers are not finite any more: what it says, and the file with which the step can be run again."""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sweettok.errors import InputError
from sweettok.models import devices
from sweettok.storage import atomic_file
from sweettok.training.loading import Batch


class TrainingDiverged(InputError):
    """Loss, gradient or weights became NaN or infinite."""


def non_finite(values: dict[str, Any]) -> list[str]:
    """The names of the tensors that hold a NaN or an infinity."""
    return [name for name, value in values.items() if torch.is_tensor(value) and not torch.isfinite(value).all()]


def refuse_non_finite(name: str, module: nn.Module, done: int) -> None:
    """Raises TrainingDiverged where a weight is not finite: it must be neither saved nor trained on."""
    if broken := non_finite(module.state_dict()):
        raise TrainingDiverged(
            f"{name}: weights {broken[0]} are not finite after step {done}; lower the section's optimiser.lr"
        )


class Watch:
    """Whether loss and gradient norm of every step are finite: on a CPU known in each step, on a GPU when it is waited for.

    `broken`, a scalar on the device, is 1 from the first step on that was not finite. On a GPU the optimisers take it for a
    GradScaler's `found_inf`, so that the weights stay those before that step until somebody looks.
    """

    def __init__(self, device: torch.device, movers: list[torch.optim.Optimizer]) -> None:
        self.waits, self.broken = devices.waits(device), torch.zeros((), device=device)
        self.unseen: list[tuple[int, Tensor, Tensor, Tensor]] = []
        for mover in movers if self.waits else ():
            mover.found_inf = self.broken

    def add(self, step: int, loss: Tensor, norm: Tensor, clips: Tensor) -> None:
        """What step `step` came to on `clips`."""
        self.unseen.append((step, loss, norm, clips))
        self.broken.logical_or_(~(loss + norm).isfinite())

    def first_broken(self) -> tuple[int, float, float, Tensor] | None:
        """Of the steps since this was last asked, the first that broke: step, loss, norm, clips. Waits for the device."""
        unseen, self.unseen = self.unseen, []
        if not self.broken.item():
            return None
        seen = ((step, loss.item(), norm.item(), clips.cpu()) for step, loss, norm, clips in unseen)
        return next(each for each in seen if not math.isfinite(each[1] + each[2]))


def diverged(
    name: str, model: nn.Module, batch: Batch, step: int, seed: int, loss: float, norm: float, path: Path
) -> TrainingDiverged:
    """The error of a step whose loss or gradient norm is not finite. What it was computed from is kept in `path`, which
    `torch.load(path, weights_only=True)` reads."""
    with atomic_file(path) as temporary:
        torch.save({"step": step, "seed": seed, "batch": batch, "model": model.state_dict()}, temporary)
    return TrainingDiverged(
        f"{name}: loss {loss} with gradient norm {norm:.3g} at step {step} on clips {batch['indices'].tolist()} "
        f"(batch and weights in {path}); {_cause(model)}"
    )


def _cause(model: nn.Module) -> str:
    """Where the NaN comes from, by what held one before the step: the parameters, or else the step itself.

    Data are whole numbers. Buffers say nothing: the step's own forward pass has updated them.
    """
    if broken := non_finite(dict(model.named_parameters())):
        return f"the weights were not finite before the step ({broken[0]}): delete what they come from, `dvc repro`"
    return "lower the section's optimiser.lr or set precision to fp32"
