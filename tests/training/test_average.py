"""The averaged weights; in shards, test_processes.py has them."""

import torch
from torch import nn

from sweettok.training.average import Average


def test_average_against_the_plain_formula():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = Average(model, 0.5)
    expected = {name: value.detach().clone() for name, value in model.named_parameters()}
    for step in range(12):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape))
        model(torch.randn(4, 3))
        average.update(model, step)
        decay = min(0.5, (1 + step) / (10 + step))
        for name, value in model.named_parameters():
            expected[name] = decay * expected[name] + (1 - decay) * value.detach()
    for name, value in average.model.named_parameters():
        assert torch.allclose(value, expected[name], atol=1e-6) and not value.requires_grad
    for mine, theirs in zip(average.model.buffers(), model.buffers(), strict=True):
        assert torch.equal(mine, theirs) and mine is not theirs
    assert not average.model.training and model.training


def test_whole_weights_are_always_there():
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    average = Average(model, 0.5)
    assert average.gather() is average.model
    average.release()
    assert torch.equal(average.model.weight, model.weight) and not average.model.weight.requires_grad
