"""The field's codes, each against what its paper says of it; what holds for all kinds stands in test_quantizers.py."""

import itertools
import math

import pytest
import torch
from quantizer_kinds import latents

from sweettok.models.factorised_quantizer import DISENTANGLEMENT
from sweettok.models.residual_quantizer import two_sizes
from sweettok.models.scalar_quantizer import levels_for


@pytest.mark.parametrize(
    "size, levels",
    [(3, (3,)), (19, (6, 3)), (102, (5, 5, 4)), (142, (7, 5, 4)), (256, (8, 8, 4)), (1000, (8, 5, 5, 5))],
)
def test_levels_of_a_grid(size, levels):
    assert levels_for(size) == levels


@pytest.mark.parametrize("size", [7, 31, 100, 211])
def test_no_grid_of_as_many_codes_is_larger(size):
    grids = (grid for digits in range(1, 6) for grid in itertools.product(range(3, 9), repeat=digits))
    assert math.prod(levels_for(size)) == max(count for grid in grids if (count := math.prod(grid)) <= size)


@pytest.mark.parametrize(
    "size, sizes", [(4, (2, 2)), (19, (4, 4)), (102, (10, 10)), (142, (12, 11)), (10481, (102, 102))]
)
def test_two_codebooks_for_one(size, sizes):
    assert two_sizes(size) == sizes


@pytest.mark.parametrize("few, kind", [(2, levels_for), (3, two_sizes)])
def test_too_few_codes(few, kind):
    with pytest.raises(ValueError, match=f"got {few}"):
        kind(few)


def test_scalar_codes_are_the_nearest_points_of_their_grid(quantizers_of):
    quantizer = quantizers_of(quantizer="fsq")["spatial"]
    with torch.no_grad():
        latent, indices = quantizer.to_code(latents(16, seed=3)), quantizer(latents(16, seed=3)).indices
        grid = quantizer.code_vectors(torch.arange(18)[None])[0]  # (18, 2)
    expected = torch.cartesian_prod(torch.linspace(-1, 1, 6), torch.linspace(-1, 1, 3))  # the first digit counts most
    assert torch.allclose(grid, expected, atol=1e-6)
    assert torch.equal(torch.cdist(latent, grid.expand(16, -1, -1)).argmin(-1), indices)


@pytest.mark.parametrize("kind, length", [("lfq", 2.0), ("bsq", 1.0)])
def test_binary_codes_are_signs(quantizers_of, kind, length):
    """A code of LFQ has numbers of 1 and -1, one of BSQ is a unit vector; the index spells the signs."""
    quantizer = quantizers_of(quantizer=kind)["spatial"]
    with torch.no_grad():
        latent, indices = quantizer.to_code(latents(16, seed=3)), quantizer(latents(16, seed=3)).indices
        vectors = quantizer.code_vectors(indices)
    assert torch.equal(vectors.sign(), latent.sign())
    assert torch.allclose(vectors.norm(dim=-1), torch.tensor(length))
    assert [f"{index:04b}" for index in indices[0].tolist()] == [
        "".join("1" if number > 0 else "0" for number in token) for token in latent[0].tolist()
    ]


@pytest.mark.parametrize("kind", ["lfq", "bsq"])
def test_entropy_term_against_all_codes_enumerated(quantizers_of, kind):
    """Mean entropy of the tokens' assignments less that of the batch's mean: for BSQ the batch's bits are independent."""
    quantizer = quantizers_of(quantizer=kind, commitment=0.0, usage_entropy=1.0)["spatial"]
    with torch.no_grad():
        latent = quantizer.to_code(latents(16, seed=3)).flatten(0, 1).double()  # (64, 4)
        latent = latent if kind == "bsq" else latent / 2
        codes = torch.tensor(list(itertools.product((-0.5, 0.5), repeat=4)), dtype=torch.float64)
        p = (10 * latent @ codes.T).softmax(-1)  # (64, 16)
        of_tokens, mean = -(p * p.log()).sum(-1).mean(), p.mean(0)
        if kind == "bsq":
            bits = torch.stack([mean[codes[:, bit] > 0].sum() for bit in range(4)])
            of_batch = -(bits * bits.log() + (1 - bits) * (1 - bits).log()).sum()
        else:
            of_batch = -(mean * mean.log()).sum()
        quantizer.train().to_code.train(False)
        loss = quantizer(latents(16, seed=3)).loss
    assert loss.item() == pytest.approx(((of_tokens - of_batch) / math.log(16)).item(), abs=1e-5)


def test_the_second_residual_code_is_nearest_to_what_the_first_one_missed(quantizers_of):
    quantizer = quantizers_of(quantizer="residual")["spatial"]
    assert quantizer.slots == [(0, 4), (4, 4)] and quantizer.size == 8
    first, second = (stage.get_codes_from_indices(torch.arange(4)) for stage in quantizer.stages)
    with torch.no_grad():
        latent, indices = quantizer.to_code(latents(16, seed=3)).flatten(0, 1), quantizer(latents(16, seed=3)).indices
    one = torch.cdist(latent, first).argmin(-1)
    two = torch.cdist(latent - first[one], second).argmin(-1)
    assert torch.equal(indices.flatten(0, 1), torch.stack([one, two + 4], dim=-1))
    assert torch.allclose(quantizer.code_vectors(indices).flatten(0, 1), first[one] + second[two], atol=1e-6)
    assert len(indices.unique()) > 4


def test_factorised_codes_have_a_head_and_a_codebook_each(quantizers_of):
    quantizer = quantizers_of(quantizer="factorised")["spatial"]
    with torch.no_grad():
        latent, indices = quantizer.to_code(latents(16, seed=3)), quantizer(latents(16, seed=3)).indices
        vectors = quantizer.code_vectors(indices)
    assert latent.shape == vectors.shape == (16, 4, 8)
    for half, codes in zip(vectors.chunk(2, dim=-1), indices.unbind(-1), strict=True):
        assert torch.allclose(half.norm(dim=-1), torch.tensor(1.0), atol=1e-5) and len(codes.unique()) > 2


def test_disentanglement_is_the_squared_cosine_of_the_two_codes(quantizers_of):
    """And moves both heads apart."""
    quantizer = quantizers_of(quantizer="factorised", commitment=0.0)["spatial"].train()
    quantizer.to_code.eval()
    z = latents(16, seed=3)
    codes = [part.get_codes_from_indices(torch.arange(4)).clone() for part in quantizer.parts]
    quantized = quantizer(z)
    first, second = quantized.indices.unbind(-1)
    cosine = (codes[0][first] * codes[1][second - 4]).sum(-1)
    assert quantized.loss.item() == pytest.approx(DISENTANGLEMENT * cosine.square().mean().item(), abs=1e-6)
    quantized.loss.backward()
    assert all(head.project.weight.grad.any() for head in quantizer.to_code.heads)


@pytest.mark.parametrize("kind", ["residual", "factorised"])
def test_codes_move_in_training_only(quantizers_of, kind):
    quantizer = quantizers_of(quantizer=kind)["spatial"]
    state = {name: value.clone() for name, value in quantizer.state_dict().items()}
    quantizer(latents(8, seed=2))
    assert all(torch.equal(value, state[name]) for name, value in quantizer.state_dict().items())
    quantizer.train()(latents(8, seed=2))
    moved = [name for name, value in quantizer.state_dict().items() if not torch.equal(value, state[name])]
    assert sum(name.endswith("embed") for name in moved) == 2
