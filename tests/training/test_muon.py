"""Muon: against a singular value decomposition and torch's own, which weights it moves, its state, learning."""

import copy
import math

import pytest
import torch
from torch import nn

from sweettok.models.tokenizer import VideoTokenizer
from sweettok.training.muon import MOMENTUM, RMS, SMALLEST, Muon, muon_weights, optimisers, orthogonal

SHAPES = [(16, 16), (12, 40), (40, 12), (9, 200)]


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_matrices_have_the_singular_vectors_of_the_given_ones(shape):
    matrix = draw(*shape)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonal(matrix[None])[0] @ right.T  # diagonal where the vectors are the same
    assert torch.allclose(found, torch.diag(found.diagonal()), atol=1e-4)
    assert values.max() > 1.3 * values.min()  # else this says little
    assert found.diagonal().min() > 0.6 and found.diagonal().max() < 1.3


def test_small_directions_grow_as_large_as_the_others():
    """Singular values from 1 to 1/30."""
    left, right = torch.linalg.qr(draw(12, 12))[0], torch.linalg.qr(draw(12, 12, seed=1))[0]
    matrix = left @ torch.diag(torch.logspace(0, -math.log10(30), 12)) @ right.T
    values = torch.linalg.svdvals(orthogonal(matrix[None])[0])
    assert values.min() > 0.6 and values.max() < 1.3


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_the_gradients_size_does_not_matter(scale):
    matrices = draw(3, 12, 20)
    assert torch.allclose(orthogonal(scale * matrices), orthogonal(matrices), atol=1e-3)


def test_nothing_stays_nothing():
    assert torch.equal(orthogonal(torch.zeros(2, 12, 10)), torch.zeros(2, 12, 10))


@pytest.mark.parametrize("shape", SHAPES)
def test_matrices_of_one_shape_at_once_are_as_one_at_a_time(shape):
    matrices = draw(4, *shape)
    alone = torch.cat([orthogonal(one[None]) for one in matrices])
    assert torch.allclose(orthogonal(matrices), alone, atol=1e-5)


def moved(mover, weights, steps=4):
    """The weights after steps whose gradients are drawn, the same for the same weights."""
    for step in range(steps):
        for number, weight in enumerate(weights):
            weight.grad = draw(*weight.shape, seed=100 * step + number)
        mover.step()
    return [weight.detach() for weight in weights]


def parameters_of(*shapes):
    return [nn.Parameter(draw(*shape, seed=50 + number)) for number, shape in enumerate(shapes)]


def test_against_torchs_own():
    """Whose iterations are in bf16, so that single entries of an update differ by some percent of it."""
    settings = {"lr": 0.02, "weight_decay": 0.1}
    mine, theirs = parameters_of(*SHAPES), parameters_of(*SHAPES)
    reference = torch.optim.Muon(theirs, **settings, momentum=MOMENTUM, adjust_lr_fn="match_rms_adamw")
    before = parameters_of(*SHAPES)
    for one, other, start in zip(moved(Muon(mine, **settings), mine), moved(reference, theirs), before, strict=True):
        way = (one - start).norm()
        assert (one - other).norm() < 0.03 * way


def test_steps_against_the_formula():
    """Nesterov momentum, made orthogonal by a singular value decomposition (whose values are all 1: ours are near)."""
    (weight,), lr, decay = parameters_of((12, 30)), 0.02, 0.5
    expected, average = weight.detach().clone(), torch.zeros(12, 30)
    moved(Muon([weight], lr, decay), [weight])
    for step in range(4):
        gradient = draw(12, 30, seed=100 * step)
        average = MOMENTUM * average + (1 - MOMENTUM) * gradient
        left, _, right = torch.linalg.svd(MOMENTUM * average + (1 - MOMENTUM) * gradient, full_matrices=False)
        expected = (1 - lr * decay) * expected - lr * RMS * math.sqrt(30) * left @ right
    way = (expected - parameters_of((12, 30))[0]).norm()
    assert (weight - expected).norm() < 0.25 * way


@pytest.mark.parametrize("shape", SHAPES)
def test_updates_are_as_large_as_adams(shape):
    """Each entry moves by about RMS x rate, whatever the shape and the gradient."""
    (weight,) = parameters_of(shape)
    before = weight.detach().clone()
    moved(Muon([weight], 0.1, 0.0), [weight], steps=1)
    assert (weight - before).square().mean().sqrt().item() == pytest.approx(0.1 * RMS, rel=0.2)


def test_convolutions_are_matrices_of_output_channels():
    kernel, (matrix,) = nn.Parameter(draw(10, 4, 1, 3, 3)), [nn.Parameter(draw(10, 4, 1, 3, 3).flatten(1))]
    kernel.grad, matrix.grad = draw(10, 4, 1, 3, 3, seed=1), draw(10, 4, 1, 3, 3, seed=1).flatten(1)
    for weight in (kernel, matrix):
        Muon([weight], 0.1, 0.01).step()
    assert torch.equal(kernel.flatten(1), matrix)


def test_weights_of_one_shape_move_as_each_would_alone():
    together, alone = parameters_of(*[(12, 20)] * 3, (20, 12)), parameters_of(*[(12, 20)] * 3, (20, 12))
    movers = [Muon([weight], 0.05, 0.1) for weight in alone]
    for step in range(3):
        for number, (one, other) in enumerate(zip(together, alone, strict=True)):
            one.grad = draw(*one.shape, seed=10 * step + number)
            other.grad = one.grad.clone()
        if step == 0:
            one_mover = Muon(together, 0.05, 0.1)
        one_mover.step()
        for mover in movers:
            mover.step()
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(together, alone, strict=True))


def test_weights_without_a_gradient_stay():
    one, other = parameters_of((12, 12), (12, 12))
    one.grad, before = draw(12, 12), other.detach().clone()
    mover = Muon([one, other], 0.1, 0.5)
    mover.step()
    assert torch.equal(other, before) and not mover.state[other]


def test_state_carries_on_exactly():
    one = parameters_of((12, 20), (16, 4, 1, 3, 3))
    mover = Muon(one, 0.05, 0.1)
    moved(mover, one)
    other = [nn.Parameter(weight.detach().clone()) for weight in one]
    resumed = Muon(other, 0.9, 0.9)
    resumed.load_state_dict(copy.deepcopy(mover.state_dict()))
    assert resumed.param_groups[0]["lr"] == 0.05
    for mine, theirs in zip(moved(mover, one), moved(resumed, other), strict=True):
        assert torch.equal(mine, theirs)


def test_linear_and_convolutional_weights_are_chosen_unless_tiny():
    model = nn.ModuleDict(
        {
            "linear": nn.Linear(12, 20),
            "conv": nn.Conv3d(3, 10, (1, 2, 2)),  # 10 x 12
            "back": nn.ConvTranspose3d(12, 2, (1, 4, 4)),  # 12 x 32
            "few channels": nn.Conv2d(12, SMALLEST, 3),
            "few inputs": nn.Linear(SMALLEST, 20),
            "table": nn.Embedding(30, 20),
            "norm": nn.LayerNorm([12, 20]),
            "frozen": nn.Linear(12, 20).requires_grad_(False),
        }
    )
    chosen = {id(weight) for weight in muon_weights(model)}
    assert chosen == {id(model[name].weight) for name in ("linear", "conv", "back")}


def test_queries_norms_and_biases_of_a_tokenizer_are_adams(make_model):
    model: VideoTokenizer = make_model()
    weights = {id(weight) for weight in muon_weights(model)}
    chosen = {name for name, weight in model.named_parameters() if id(weight) in weights}
    assert chosen > {
        "backbone.spatial_encoder.layers.0.read.query.weight", "backbone.temporal_start.gather.weight",
        "backbone.temporal_spread.spread.weight", "backbone.refine.blocks.0.space.weight",
        "features.embed.embed.weight", "pixel_decoder.to_pixels.rest.weight",
    }  # fmt: skip
    assert all("norm" not in name and not name.endswith(("bias", "queries")) for name in chosen)
    assert not chosen & {"to_logits.weight", "quantizers.spatial.to_code.project.weight"}  # 8 logits, 4 numbers


@pytest.mark.parametrize("algorithm", ["muon", "adamw"])
def test_every_weight_that_learns_has_one_optimiser(optimiser_of, algorithm):
    model = nn.Sequential(nn.Linear(12, 20), nn.LayerNorm(20), nn.Linear(20, 12))
    model[2].requires_grad_(False)
    parameters = [p for p in model.parameters() if p.requires_grad]
    settings = optimiser_of(algorithm=algorithm, lr=0.02, adam_lr=0.003, weight_decay=0.1)
    built = optimisers(model, parameters, settings)
    groups = [(type(mover).__name__, group) for mover in built for group in mover.param_groups]
    moved_by = {name: {id(weight) for weight in group["params"]} for name, group in groups}
    if algorithm == "muon":
        assert moved_by["Muon"] == {id(model[0].weight)}
        assert moved_by["AdamW"] == {id(p) for p in parameters} - moved_by["Muon"]
    else:
        assert moved_by == {"AdamW": {id(p) for p in parameters}}
    rates = {"muon": {"Muon": 0.02, "AdamW": 0.003}, "adamw": {"AdamW": 0.02}}[algorithm]
    assert {name: group["lr"] for name, group in groups} == rates
    assert {name: group["initial_lr"] for name, group in groups} == rates
    assert all(group["weight_decay"] == 0.1 for _, group in groups)


def test_no_optimiser_without_weights(optimiser_of):
    only_matrix, only_bias = nn.Linear(12, 20, bias=False), nn.LayerNorm(4)
    settings = optimiser_of(algorithm="muon")
    assert [type(mover) for mover in optimisers(only_matrix, list(only_matrix.parameters()), settings)] == [Muon]
    found = optimisers(only_bias, list(only_bias.parameters()), settings)
    assert [type(mover) for mover in found] == [torch.optim.AdamW]
    assert optimisers(only_bias, [], settings) == []


def test_learns(optimiser_of):
    """A network of two layers finds another one's function."""
    torch.manual_seed(0)
    teacher, model = (nn.Sequential(nn.Linear(12, 24), nn.Tanh(), nn.Linear(24, 12)) for _ in range(2))
    movers = optimisers(model, list(model.parameters()), optimiser_of(algorithm="muon", lr=0.02, weight_decay=0.0))
    losses = []
    for step in range(150):
        x = draw(64, 12, seed=step)
        loss = (model(x) - teacher(x).detach()).square().mean()
        model.zero_grad()
        loss.backward()
        for mover in movers:
            mover.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) < 0.1 * sum(losses[:10])
