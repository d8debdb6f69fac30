"""Muon (Jordan et al. 2024): the momentum of a weight matrix, made orthogonal, is its update.

All directions of a layer then learn at one pace. Here a training step of Muon is worth two to three of AdamW
(docs/recipe.md). `torch.optim.Muon` takes matrices only and in bf16; ours takes convolutions too, as matrices of
(output channels, all else), and handles all matrices of one shape in batched products.
"""

from collections import defaultdict
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

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """One step, by the gradients that the parameters have. `closure` is not supported."""
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape[tuple(weight.flatten(1).shape)].append(weight)
            for shape, weights in by_shape.items():
                updates = orthogonal(torch.stack([self._momentum(weight) for weight in weights]))
                scale, kept = group["lr"] * RMS * max(shape) ** 0.5, 1 - group["lr"] * group["weight_decay"]
                if self.found_inf is not None:
                    updates, kept = updates.masked_fill(self.found_inf > 0, 0), kept ** (1 - self.found_inf)
                for weight, update in zip(weights, updates, strict=True):
                    weight.mul_(kept)
                    weight.sub_(scale * update.view_as(weight))

    def _momentum(self, weight: Tensor) -> Tensor:
        """The Nesterov momentum of a weight's gradient as a matrix."""
        assert weight.grad is not None
        average = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
        average.lerp_(weight.grad, 1 - MOMENTUM)
        return weight.grad.lerp(average, MOMENTUM).flatten(1)


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
