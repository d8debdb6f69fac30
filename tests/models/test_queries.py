"""Queries that read: who sees whom, against a plain re-derivation; where queries start and how patches come back."""

import pytest
import torch

from sweettok.models.patches import grid_positions, position_codes
from sweettok.models.queries import (
    PLACE_SCALE,
    PatchesToQueries,
    QueryLayer,
    QueryStack,
    TokensToPatches,
    as_grid,
    as_sequence,
    place_codes,
    resampled,
)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


QUERIES, PATCHES = draw(1, 3, 8), draw(1, 5, 8, seed=2)


def stack_of(self_attention=True, depth=1):
    torch.manual_seed(0)
    return QueryStack(8, 2, 2, depth, self_attention)


@pytest.mark.parametrize("self_attention", [True, False])
@pytest.mark.parametrize("depth", [1, 3])
def test_all_queries_read_every_patch(changed_rows, self_attention, depth):
    stack = stack_of(self_attention, depth)
    for patch in range(5):
        assert changed_rows(lambda p: stack(QUERIES, p), PATCHES, (0, patch, 0)).all()


@pytest.mark.parametrize("self_attention, reached", [(False, [False, True, False]), (True, [True, True, True])])
def test_queries_see_each_other_unless_alone(changed_rows, self_attention, reached):
    stack = stack_of(self_attention, depth=2)
    assert changed_rows(lambda q: stack(q, PATCHES), QUERIES, (0, 1, 0))[0].tolist() == reached


def test_the_order_of_patches_does_not_matter():
    stack, order = stack_of(depth=2), torch.tensor([2, 0, 4, 3, 1])
    with torch.no_grad():
        assert torch.allclose(stack(QUERIES, PATCHES), stack(QUERIES, PATCHES[:, order]), atol=1e-6)


def test_queries_are_told_apart_by_what_they_hold_alone():
    stack, order = stack_of(depth=2), torch.tensor([2, 0, 1])
    with torch.no_grad():
        assert torch.allclose(stack(QUERIES, PATCHES)[:, order], stack(QUERIES[:, order], PATCHES), atol=1e-6)


@pytest.mark.parametrize("self_attention", [True, False])
def test_leading_axes_are_batch(self_attention):
    """So that queries of one place each read the patches of that place."""
    stack, queries, patches = stack_of(self_attention), draw(2, 4, 3, 8), draw(2, 4, 5, 8, seed=1)
    with torch.no_grad():
        alone = stack(queries[1, 2, None], patches[1, 2, None])[0]
        assert torch.allclose(stack(queries, patches)[1, 2], alone, atol=1e-6)


def test_a_layer_is_what_its_docstring_says():
    """Pre-norm residual branches: read, mix, feed, each with torch's own layers."""
    torch.manual_seed(0)
    layer = QueryLayer(8, 2, 2)
    with torch.no_grad():
        for norm in (layer.query_norm, layer.patch_norm, layer.self_norm, layer.feed_norm):
            norm.weight.copy_(1 + 0.3 * draw(8, seed=3)), norm.bias.copy_(0.3 * draw(8, seed=4))

        def attend(module, queries, patches):
            own = torch.nn.MultiheadAttention(8, 2, batch_first=True)
            own.in_proj_weight.copy_(torch.cat([module.query.weight, module.key.weight, module.value.weight]))
            own.in_proj_bias.zero_()
            own.out_proj.load_state_dict(module.out.state_dict())
            return own(queries, patches, patches, need_weights=False)[0]

        x = QUERIES + attend(layer.read, layer.query_norm(QUERIES), layer.patch_norm(PATCHES))
        x = x + attend(layer.mix, layer.self_norm(x), layer.self_norm(x))
        hidden = torch.nn.functional.gelu(layer.feed_norm(x) @ layer.feed[0].weight.T + layer.feed[0].bias)
        x = x + hidden @ layer.feed[2].weight.T + layer.feed[2].bias
        assert torch.allclose(layer(QUERIES, PATCHES), x, atol=1e-5)


def test_a_stack_is_its_layers_and_a_norm():
    stack = stack_of(depth=2)
    with torch.no_grad():
        found, x = stack(QUERIES, PATCHES), QUERIES
        for layer in stack.layers:
            x = layer(x, PATCHES)
        assert torch.allclose(found, (x - x.mean(-1, keepdim=True)) / x.std(-1, correction=0, keepdim=True), atol=1e-4)


def test_queries_alone_have_no_weights_to_mix_with():
    both, alone = (sum(p.numel() for p in QueryLayer(8, 2, 2, mixes).parameters()) for mixes in (True, False))
    assert both - alone == 4 * 8 * 8 + 8 + 2 * 8


@pytest.mark.parametrize("spacing", [1, 2, 4])
def test_starting_values_without_blocks_are_sums_over_their_tile(spacing):
    torch.manual_seed(0)
    start, grid = PatchesToQueries(3, 5, spacing, depth=0), draw(2, 3, 2, 4, 4)
    with torch.no_grad():
        found = start(grid)
        assert found.shape == (2, 5, 2, 4 // spacing, 4 // spacing)
        for i in range(4 // spacing):
            for j in range(4 // spacing):
                rows, columns = slice(i * spacing, (i + 1) * spacing), slice(j * spacing, (j + 1) * spacing)
                expected = torch.einsum("bctij,dcij->bdt", grid[..., rows, columns], start.gather.weight[:, :, 0])
                assert torch.allclose(found[..., i, j], expected + start.gather.bias[:, None], atol=1e-5)


def tiles_moved(network, grid, place):
    """Positions (row, column) of network(grid) that move when grid at place (row, column) of its first frame does."""
    other = grid.clone()
    other[0, 0, 0, *place] += 1.0
    with torch.no_grad():
        moved = ((network(grid) - network(other)).abs() > 1e-6).any(dim=(1, 2))[0]
    return {tuple(position) for position in moved.nonzero().tolist()}


def test_a_block_lets_starting_values_see_the_tiles_around():
    torch.manual_seed(0)
    grid = draw(1, 3, 1, 8, 8)
    assert tiles_moved(PatchesToQueries(3, 5, 2, depth=0), grid, (3, 4)) == {(1, 2)}
    around = {(i, j) for i in (0, 1, 2) for j in (1, 2, 3)}
    assert tiles_moved(PatchesToQueries(3, 5, 2, depth=1), grid, (3, 4)) == around


def test_spread_shows_a_token_in_its_tile_and_those_around():
    torch.manual_seed(0)
    spread, tokens = TokensToPatches(5, 2), draw(1, 5, 1, 4, 4)
    assert spread(tokens).shape == (1, 5, 1, 8, 8)
    assert tiles_moved(spread, tokens, (1, 2)) == {(i, j) for i in range(6) for j in range(2, 8)}


@pytest.mark.parametrize(
    "kind", [lambda frames: PatchesToQueries(5, 5, 2, 1, frames), lambda frames: TokensToPatches(5, 2, frames)]
)
def test_over_space_alone_or_over_earlier_frames_too(kind):
    grid = draw(1, 5, 4, 4, 4)
    other = grid.clone()
    other[:, :, 1] += 1.0
    for frames, expected in ((1, [False, True, False, False]), (2, [False, True, True, False])):
        network = kind(frames)
        with torch.no_grad():
            moved = (network(grid) - network(other)).abs().amax(dim=(0, 1, 3, 4)) > 1e-6
        assert moved.tolist() == expected


def test_one_place_a_patch_has_the_codes_of_patches():
    assert torch.allclose(place_codes([0, 1], 4, 4, 24), PLACE_SCALE * grid_positions(2, 4, 4, 24).flatten(0, 1))


@pytest.mark.parametrize("side, count, centres", [(4, 2, [0.5, 2.5]), (4, 1, [1.5]), (9, 3, [1.0, 4.0, 7.0])])
def test_places_lie_at_the_centres_of_their_tiles(side, count, centres):
    centres = torch.tensor(centres)
    expected = PLACE_SCALE * position_codes(torch.tensor([1.0, 3.0]), centres, centres, 24).flatten(0, 1)
    codes = place_codes([1, 3], side, count, 24)
    assert codes.shape == (2 * count**2, 24) and torch.allclose(codes, expected)


@pytest.mark.parametrize("count, times", [(4, [0]), (2, [1, 2, 3, 4]), (1, [1, 2])])
def test_places_differ(count, times):
    codes = place_codes(times, 4, count, 24)
    assert (torch.cdist(codes, codes) + 9 * torch.eye(len(codes))).min() > 0.2 * PLACE_SCALE


def test_grids_and_sequences():
    grid = draw(2, 3, 4, 5, 5)
    sequence = as_sequence(grid)
    assert sequence.shape == (2, 4 * 25, 3) and torch.equal(sequence[1, 2 * 25 + 3 * 5 + 1], grid[1, :, 2, 3, 1])
    assert torch.equal(as_grid(sequence, 4), grid)


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 9])
def test_resampling_is_linear_between_the_ends(frames):
    """Of frames that show their time, the result shows the times between."""
    ramp = torch.arange(3.0)[:, None, None].expand(2, 4, 3, 2, 2)
    found = resampled(ramp, frames)
    expected = torch.linspace(0, 2, frames)[:, None, None].expand(2, 4, frames, 2, 2)
    assert found.shape == expected.shape and torch.allclose(found, expected, atol=1e-6)


def test_resampling_to_as_many_frames_changes_nothing():
    grid = draw(2, 3, 4, 2, 2)
    assert resampled(grid, 4) is grid
    assert torch.equal(resampled(grid[:, :, :1], 3), grid[:, :, :1].expand(-1, -1, 3, -1, -1))
