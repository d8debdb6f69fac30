"""Queries that read: who sees whom, where each head looks first, against a plain re-derivation."""

import math

import pytest
import torch

from sweettok.models.patches import square_positions
from sweettok.models.queries import QueryLayer, QueryStack, Reading, learned_queries, quarters, query_spacing

HERE = [(0.0, 0.0, 0.0)]


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def stack_of(self_over, read_over, depth=1):
    """A function of queries (1, 3, 2, 8), where they are, patches and where those are: (1, 3, 4, 8)."""
    torch.manual_seed(0)
    stack = QueryStack(8, 2, 2, depth, HERE, self_over, read_over)
    with torch.no_grad():  # less sure where to look than at the start, so that every influence shows
        for layer in stack.layers:
            layer.read.key_place.weight.mul_(0.1)
    return stack


QUERIES, ADDRESS, PATCHES, PLACES = (
    draw(1, 3, 2, 8),
    draw(3, 2, 8, seed=1),
    draw(1, 3, 4, 8, seed=2),
    draw(3, 4, 8, seed=3),
)


@pytest.mark.parametrize("read_over, reached", [("group", [False, True, False]), ("all", [True, True, True])])
def test_who_reads_which_patches(changed_rows, read_over, reached):
    stack = stack_of("group", read_over, depth=2)
    moved = changed_rows(
        lambda p: stack(QUERIES, ADDRESS, p, PLACES), PATCHES, (0, 1, 0, 0)
    )  # one number: norms do not undo it
    assert moved[0].all(-1).tolist() == moved[0].any(-1).tolist() == reached


@pytest.mark.parametrize("self_over, reached", [("group", [False, True, False]), ("all", [True, True, True])])
def test_which_queries_see_each_other(changed_rows, self_over, reached):
    stack = stack_of(self_over, "all")
    moved = changed_rows(lambda q: stack(q, ADDRESS, PATCHES, PLACES), QUERIES, (0, 1, 0, 0))
    assert moved[0].all(-1).tolist() == moved[0].any(-1).tolist() == reached


def test_addresses_and_places_steer_what_is_read(changed_rows):
    stack = stack_of("group", "all")
    moved = changed_rows(lambda a: stack(QUERIES, a, PATCHES, PLACES), ADDRESS, (1, 0, 0))
    assert moved[0, 1, 0]
    moved = changed_rows(lambda p: stack(QUERIES, ADDRESS, PATCHES, p), PLACES, (1, 0, 0))
    assert moved.all()


def test_the_order_of_patches_with_their_places_does_not_matter():
    stack, order = stack_of("all", "all", depth=2), torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        one = stack(QUERIES, ADDRESS, PATCHES, PLACES)
        other = stack(QUERIES, ADDRESS, PATCHES[:, :, order], PLACES[:, order])
    assert torch.allclose(one, other, atol=1e-5)


def test_layer_keeps_shapes():
    layer = QueryLayer(8, 2, 2, "all", "all", HERE)
    queries, patches = layer(draw(2, 3, 2, 8), ADDRESS, draw(2, 5, 4, 8), draw(5, 4, 8))
    assert queries.shape == (2, 3, 2, 8) and patches.shape == (2, 5, 4, 8)


@pytest.mark.parametrize("count, times", [(4, [0]), (5, [0]), (16, [1, 2, 3, 4]), (10, [1, 2, 3]), (1, [0])])
def test_queries_start_distinct_and_trainable(count, times):
    queries = learned_queries(count, times, 4, 24)
    assert queries.shape == (count, 24) and queries.requires_grad and queries.is_leaf
    assert (torch.cdist(queries, queries) + 9 * torch.eye(count)).min() > 0.05


def scores(reading, queries, address, patches, places):
    """softmax((W q + W' a) . (V p + V' b) / sqrt(d)) of each head, plainly: (heads, N, M)."""
    width = queries.shape[-1] // reading.heads
    q = queries @ reading.query.weight.T + address @ reading.query_place.weight.T
    k = patches @ reading.key.weight.T + places @ reading.key_place.weight.T
    heads = [slice(head * width, (head + 1) * width) for head in range(reading.heads)]
    return torch.stack([(q[:, h] @ k[:, h].T / math.sqrt(width)).softmax(-1) for h in heads])


def test_reading_is_what_its_docstring_says():
    torch.manual_seed(0)
    reading = Reading(24, 3, HERE)
    queries, address, patches, places = (draw(n, 24, seed=n) for n in (5, 5, 7, 7))
    with torch.no_grad():
        values = (patches @ reading.value.weight.T).unflatten(1, (3, 8))  # (M, heads, 8)
        attention = scores(reading, queries, address, patches, places)
        mixed = torch.einsum("hnm,mhd->nhd", attention, values).flatten(1)
        expected = mixed @ reading.out.weight.T + reading.out.bias
        assert torch.allclose(reading(queries[None], address, patches[None], places)[0], expected, atol=1e-5)


@pytest.mark.parametrize("width", [32, 64])
def test_each_head_first_reads_one_quarter_of_the_neighbourhood(width):
    """4 x 4 queries over 8 x 8 cells: the 4 heads of each have, between them, the 4 cells of its 2 x 2 block."""
    torch.manual_seed(0)
    reading, places = Reading(width, 4, quarters(2.0)), square_positions(1, 64, width)[0]
    address = learned_queries(16, [0], 8, width).detach()
    with torch.no_grad():
        looked_at = scores(reading, draw(16, width), address, draw(64, width, seed=1), places).argmax(-1)  # (4, 16)
    quarter = torch.tensor([(r, c) for r in (0, 1) for c in (0, 1)])[:, None]  # of each head
    corner = torch.tensor([(2 * (query // 4), 2 * (query % 4)) for query in range(16)])
    wanted = ((quarter + corner) * torch.tensor([8, 1])).sum(-1)  # (4, 16)
    share = (looked_at == wanted).float().mean().item()
    assert share > 0.85  # chance: 1 in 64; a head has only some of the code's directions, so a few look elsewhere


@pytest.mark.parametrize(
    "count, times, side, spacing", [(16, [0], 8, 2), (64, [0], 8, 1), (64, [1, 2, 3, 4], 8, 2), (9, [0], 8, 8 / 3)]
)
def test_spacing_of_queries(count, times, side, spacing):
    assert query_spacing(count, times, side) == pytest.approx(spacing)
