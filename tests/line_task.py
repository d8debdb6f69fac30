"""A task of the training loop that can be computed by hand, and what watches it."""

import math

import torch
from number_datasets import Squares
from torch import nn

from sweettok.video.store import batches


class Killed(Exception):
    pass


class Line:
    """Fit y = a . x on eight points, with noise drawn in each step; breaks as it is told to."""

    name, unused_parameters = "line", False
    dataset = Squares()

    def __init__(self, kill_at=None, nan_at=None, usage=0.5):
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 1), nn.BatchNorm1d(1))
        self.x = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
        self.y = self.x @ torch.tensor([[1.0], [-2.0], [0.5]])
        self.kill_at, self.nan_at, self.usage, self.seen = kill_at, nan_at, usage, {}

    def trainable(self):
        return list(self.model.parameters())

    def batches(self, batch_size, steps, start):
        return batches(self.x, batch_size, steps, 0, start)

    def layers(self):
        return [self.model[0]]

    def to(self, device):
        self.model.to(device)

    def loss(self, batch, step):
        if step == self.kill_at:
            raise Killed
        indices = batch["indices"]
        self.seen[step] = indices.tolist()
        self.model.train()
        x = self.x[indices] + 0.01 * torch.randn(len(indices), 3)
        loss = (self.model(x) - self.y[indices]).square().mean()
        return loss * (math.nan if step == self.nan_at else 1), {"half": loss.detach() / 2}

    def after_step(self, step):
        return {"after": torch.tensor(float(step))}

    def validate(self, model):
        assert not model.training
        return {"error": (model(self.x) - self.y).square().mean().item(), "usage_spatial": self.usage}

    def state(self):
        return {"seen": len(self.seen)}

    def load_state(self, state):
        self.restored = state


class Wide(Line):
    """With a matrix for Muon, and weights that are none."""

    def __init__(self, **breaks):
        super().__init__(**breaks)
        self.model = nn.Sequential(nn.Linear(3, 12), nn.Tanh(), nn.Linear(12, 12), nn.BatchNorm1d(12), nn.Linear(12, 1))


class Run:
    def __init__(self):
        self.rows = []

    def log_metrics(self, metrics, step):
        self.rows.append((step, metrics))


def same_weights(one, other):
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())
