"""The average of a model's weights over the steps of its training, which is what trainings validate and return."""

import copy

import torch
from torch import nn
from torch.distributed.tensor import DTensor

from sweettok.training.sharding import own, shard_of


class Average:
    """Exponential moving average of a model's weights; buffers are copied. The decay warms up, so that short
    trainings do not average in their first steps.

    `model` has the averaged weights; after `shard` only between `gather` and `release`, for validation and saving, and
    each process keeps its shards of them.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.model = decay, copy.deepcopy(model).eval()
        self.model.requires_grad_(False)
        self.shards: list[DTensor] = []

    def shard(self, like: nn.Module) -> None:
        """Keep only this process's shards of the weights, cut as those of the sharded model `like`."""
        pairs = zip(self.model.parameters(), like.parameters(), strict=True)
        self.shards = [shard_of(weight, parameter) for weight, parameter in pairs]
        self.release()

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        mine = [own(weight) for weight in self.shards or self.model.parameters()]
        torch._foreach_lerp_(mine, [own(weight) for weight in model.parameters()], 1 - decay)
        for mine, theirs in zip(self.model.buffers(), model.buffers(), strict=True):
            mine.copy_(theirs)
        self.model.eval()  # drops what eval mode caches from the old weights

    def gather(self) -> nn.Module:
        """The averaged model with whole weights, in all processes, which must all call this."""
        for weight, shard in zip(self.model.parameters(), self.shards, strict=False):  # or no shards at all
            weight.data = shard.full_tensor()
        return self.model

    def release(self) -> None:
        """Free the gathered weights; where nothing is sharded they stay."""
        for weight, _ in zip(self.model.parameters(), self.shards, strict=False):
            weight.data = weight.data.new_empty(0)
