"""Muon (Jordan et al. 2024): the momentum of a weight matrix, made orthogonal, is its update.

All directions of a layer then learn at one pace. Here a training step of Muon is worth two to three of AdamW
(docs/recipe.md). `torch.optim.Muon` takes matrices only and in bf16; ours takes convolutions too, as matrices of
(output channels, all else), and handles all matrices of one shape in batched products.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from sweettok.params import Optimiser

MOMENTUM = 0.95
ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic that drives singular values towards 1
RMS = 0.2  # of an update's entries at rate 1, about that of AdamW's (Liu et al. 2025, arXiv 2502.16982)
SMALLEST = 8  # rows or columns; of smaller matrices AdamW takes care
MATRICES = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay over weights of two or more axes.

    `found_inf`: a scalar on the device, as torch's fused optimisers take it of a GradScaler; where it is 1 no weight moves.
    """

    found_inf: Tensor | None = None

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.compiled: Callable[..., None] | None = None

    def compile(self, how: Callable[[Callable], Callable]) -> None:
        """Have `move` compiled by `how`."""
        self.compiled = how(move)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """One step, by the gradients that the parameters have. `closure` is not supported."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            for weight in weights:
                if "momentum" not in self.state[weight]:
                    self.state[weight]["momentum"] = torch.zeros_like(weight)
            averages = [self.state[weight]["momentum"] for weight in weights]
            rate, run = group["lr"], move
            if self.compiled:  # which would compile anew for each rate that is a number
                rate, run = torch.full((), rate, device=weights[0].device), self.compiled
            run(weights, [weight.grad for weight in weights], averages, rate, group["weight_decay"], self.found_inf)


def move(
    weights: list[Tensor],
    gradients: list[Tensor],
    averages: list[Tensor],
    rate: float | Tensor,
    decay: float,
    found_inf: Tensor | None = None,
) -> None:
    """A step of Muon, in place: each weight, and its gradients' average. Matrices of one shape are in one product."""
    by_shape: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
    for weight, gradient, average in zip(weights, gradients, averages, strict=True):
        average.lerp_(gradient, 1 - MOMENTUM)
        momentum = gradient.lerp(average, MOMENTUM).flatten(1)  # Nesterov's
        by_shape.setdefault(tuple(momentum.shape), []).append((weight, momentum))
    for shape, moved in by_shape.items():
        updates = orthogonal(torch.stack([momentum for _, momentum in moved]))
        scale, kept = rate * RMS * max(shape) ** 0.5, 1 - rate * decay
        if found_inf is not None:
            updates, kept = updates.masked_fill(found_inf > 0, 0), kept ** (1 - found_inf)
        for (weight, _), update in zip(moved, updates, strict=True):
            weight.mul_(kept)
            weight.sub_(scale * update.view_as(weight))


def orthogonal(matrices: Tensor) -> Tensor:
    """(n, rows, columns) -> matrices of the same singular vectors with singular values near 1 (0.7 to 1.2), by
    Newton-Schulz iterations.

    Each iteration multiplies a matrix by a polynomial of its Gram matrix, and these commute. So the iterations run on the
    Gram matrices, which are small where a convolution's are long: four times faster there.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    gram = x @ x.mT
    factor = torch.eye(gram.shape[-1], dtype=x.dtype, device=x.device).expand_as(gram)
    for _ in range(ITERATIONS):
        polynomial = torch.baddbmm(b * gram, gram, gram, alpha=c)
        polynomial.diagonal(dim1=1, dim2=2).add_(a)
        factor, gram = polynomial @ factor, polynomial @ gram @ polynomial
    x = factor @ x
    return x.mT if tall else x


def muon_weights(model: nn.Module) -> list[nn.Parameter]:
    """The weights that Muon moves: of linear and convolutional layers, unless tiny. Not embeddings, queries, norms, biases."""
    weights = [module.weight for module in model.modules() if isinstance(module, MATRICES)]
    return [weight for weight in weights if weight.requires_grad and min(weight.flatten(1).shape) > SMALLEST]


def optimisers(model: nn.Module, parameters: list[nn.Parameter], settings: Optimiser) -> list[torch.optim.Optimizer]:
    """The optimisers that move `parameters` of `model`, as `settings` says; each group's top rate is its `initial_lr`."""
    chosen = {id(weight) for weight in muon_weights(model)} if settings.algorithm == "muon" else set[int]()
    matrices = [weight for weight in parameters if id(weight) in chosen]
    others = [weight for weight in parameters if id(weight) not in chosen]
    built: list[torch.optim.Optimizer] = []
    if matrices:
        built.append(Muon(matrices, settings.lr, settings.weight_decay))
    if others:
        lr = settings.adam_lr if settings.algorithm == "muon" else settings.lr
        built.append(
            torch.optim.AdamW(others, lr=lr, betas=settings.betas, weight_decay=settings.weight_decay, fused=True)
        )
    for optimiser in built:
        for group in optimiser.param_groups:
            group["initial_lr"] = group["lr"]
    return built
