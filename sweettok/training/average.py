"""The average of a model's weights over the steps of its training, which is what trainings validate and return."""

import copy
from typing import Any

import torch
from torch import nn


class MovingAverage:
    """Exponential moving average of a model's weights: `module`, in eval mode, without gradients; buffers are copied.

    `update(model)` after each step. The decay warms up to `decay`, so that short trainings do not average in their first
    steps. Torch's own AveragedModel counts steps on the device, and waits for it to know the count.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.count = decay, 1  # the initial weights are the first
        self.module = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after a further step; those that are frozen are the same in both."""
        pairs = zip(self.module.parameters(), model.parameters(), strict=True)
        averaged, current = zip(*((mine, theirs) for mine, theirs in pairs if theirs.requires_grad), strict=True)
        torch._foreach_lerp_(averaged, current, 1 - min(self.decay, self.count / (self.count + 9)))
        for mine, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
            mine.copy_(theirs)
        self.count += 1

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on from here."""
        return {"count": self.count, "module": self.module.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.count = state["count"]
        self.module.load_state_dict(state["module"])
