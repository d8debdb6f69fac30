"""The average of a model's weights over the steps of its training, which is what trainings validate and return."""

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def moving_average(model: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of a model's weights, in eval mode; buffers are copied.

    `update_parameters(model)` after each step; `module` has the averaged weights. The decay warms up to `decay`, so that
    short trainings do not average in their first steps.
    """

    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        warm = int(count) / (int(count) + 9)
        get_ema_multi_avg_fn(min(decay, warm))(averaged, current, count)

    average = AveragedModel(model, multi_avg_fn=update)
    average.n_averaged += 1  # the initial weights are the first, else the first step would replace them
    return average.eval().requires_grad_(False)
