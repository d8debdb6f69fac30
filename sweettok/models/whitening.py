"""Latents to whitened unit vectors, as running statistics of their batches say."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sweettok.models import devices
from sweettok.models.processes import mean_over_processes

SQUARINGS, ITERATIONS = 10, 24  # enough for fp32, whatever the covariance


class Whitening(nn.Module):
    """Latents (B, N, D) -> unit vectors of `code_dim`, (B, N, d), centred for each token and whitened over all.

    A query's latent is at first nearly the same for every clip, so that each token has one word for all of them and the
    decoder learns to do without tokens. Taking away what is constant, and giving all directions the same spread, leaves
    what tells clips apart and puts most words in reach. The moving statistics change in training mode only and pass
    no gradient, so training and evaluation see the same function. They are those of all processes' batches together.
    Latents of k times as many tokens are those of k frames, whose tokens of one place count as one token.
    `unit=False`: each number of variance 1 instead of unit vectors.
    """

    MOMENTUM = 0.05

    def __init__(self, width: int, code_dim: int, tokens: int, unit: bool = True) -> None:
        super().__init__()
        self.unit = unit
        self.project = nn.Linear(width, code_dim, bias=False)
        self.register_buffer("mean", torch.zeros(tokens, code_dim))
        self.register_buffer("covariance", torch.eye(code_dim))
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def forward(self, z: Tensor) -> Tensor:
        if z.shape[1] != len(self.mean):  # of several frames alike: tokens of one place share their mean
            return self(z.unflatten(1, (-1, len(self.mean))).flatten(0, 1)).view(len(z), z.shape[1], -1)
        latent = self.project(z.float())
        if self.training:
            self._update(latent.detach())
        white = (latent - self.mean) @ whitening_matrix(self.covariance)
        return F.normalize(white, dim=-1) if self.unit else white

    @torch.no_grad()
    def _update(self, latent: Tensor) -> None:
        # A plain mean of the first batches.
        momentum = (1 + self.updates.double()).reciprocal().clamp_min(self.MOMENTUM).to(latent.dtype)
        self.mean.lerp_(mean_over_processes(latent.mean(0)), momentum)
        spread = (latent - self.mean).flatten(0, 1)
        self.covariance.lerp_(mean_over_processes(spread.T @ spread / len(spread)), momentum)
        self.updates += 1


def whitening_matrix(covariance: Tensor) -> Tensor:
    """The symmetric matrix W with W C W = I (directions of next to no spread are left small): (d, d).

    By eigenvalues, or where these would be waited for, by matrix products: equal up to rounding.
    """
    if devices.waits(covariance.device):
        return _by_products(covariance)
    values, vectors = torch.linalg.eigh(covariance)
    return vectors @ torch.diag((values + 1e-4 * values.max() + 1e-12).rsqrt()) @ vectors.T


def _by_products(covariance: Tensor) -> Tensor:
    """`whitening_matrix` by the coupled Newton-Schulz iteration (Higham 2008, section 6.7), in fp64."""
    identity = torch.eye(len(covariance), dtype=torch.float64, device=covariance.device)
    c = covariance.double() + 1e-12 * identity
    power = c / c.norm()
    for _ in range(SQUARINGS):  # in the end only the directions of the largest eigenvalue are left
        power = power @ power
        power = power / power.norm()
    c = c + 1e-4 * (power * c).sum() / power.trace() * identity
    root, inverse = c / c.norm(), identity
    for _ in range(ITERATIONS):
        step = 1.5 * identity - 0.5 * inverse @ root
        root, inverse = root @ step, step @ inverse
    return (inverse * c.norm().rsqrt()).to(covariance.dtype)
