"""The average of a model's weights over the steps of its training, which is what trainings validate and return."""

import copy
from typing import Any

import torch
from torch import nn


class MovingAverage:
    """Exponential moving average of a model's weights: `module`, in eval mode, without gradients.

    `update()` after each step. The decay warms up to `decay`, so that short trainings do not average in their first
    steps. Torch's own AveragedModel counts steps on the device, and waits for it to know the count.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.count = decay, 1  # the initial weights are the first
        self._model, self._module = model, copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a further step; those that are frozen are the same in both."""
        pairs = zip(self._module.parameters(), self._model.parameters(), strict=True)
        averaged, current = zip(*((mine, theirs) for mine, theirs in pairs if theirs.requires_grad), strict=True)
        torch._foreach_lerp_(averaged, current, 1 - min(self.decay, self.count / (self.count + 9)))
        self.count += 1

    @property
    def module(self) -> nn.Module:
        """The averaged model. Its buffers are the trained model's, which no step copies: few steps look at them."""
        with torch.no_grad():  # codes of vector-quantize-pytorch are buffers with a gradient
            for mine, theirs in zip(self._module.buffers(), self._model.buffers(), strict=True):
                mine.copy_(theirs)
        return self._module

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on from here."""
        return {"count": self.count, "module": self.module.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.count = state["count"]
        self._module.load_state_dict(state["module"])
