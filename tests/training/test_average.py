"""The averaged weights against the plain formula, and what becomes of the rest of a model."""

import torch
from torch import nn

from sweettok.training.average import MovingAverage


def test_average_against_the_plain_formula():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = MovingAverage(model, 0.5)
    expected = {name: value.detach().clone() for name, value in model.named_parameters()}
    for step in range(12):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape))
        model(torch.randn(4, 3))
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        for name, value in model.named_parameters():
            expected[name] = decay * expected[name] + (1 - decay) * value.detach()
    for name, value in average.module.named_parameters():
        assert torch.allclose(value, expected[name], atol=1e-6) and not value.requires_grad
    for mine, theirs in zip(average.module.buffers(), model.buffers(), strict=True):
        assert torch.equal(mine, theirs) and mine is not theirs
    assert not average.module.training and model.training


def test_warming_up_goes_on_after_loading():
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    one = MovingAverage(model, 0.99)
    for _ in range(3):
        nn.init.normal_(model.weight)
        one.update()
    other = MovingAverage(model, 0.99)
    other.load_state_dict(one.state_dict())
    for average in (one, other):
        average.update()
    assert torch.equal(one.module.weight, other.module.weight)
