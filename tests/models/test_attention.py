"""Attention: against torch's own, who sees whom, causality over time."""

import pytest
import torch

from sweettok.models.attention import Attention, GridBlock, QueryLayer, QueryStack, learned_queries


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def changed_rows(function, x, place):
    """Which entries along axis 1 and 2 of the result move when `x` at `place` does."""
    other = x.clone()
    other[place] += 1.0
    with torch.no_grad():
        return ((function(x) - function(other)).abs() > 1e-6).any(-1)


@pytest.mark.parametrize("causal", [False, True])
def test_agrees_with_torch_multi_head_attention(causal):
    mine = Attention(12, 3, causal=causal)
    reference = torch.nn.MultiheadAttention(12, 3, batch_first=True, bias=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.cat([mine.query.weight, mine.key.weight, mine.value.weight]))
        reference.in_proj_bias.zero_()
        reference.out_proj.weight.copy_(mine.out.weight)
        reference.out_proj.bias.copy_(mine.out.bias)
        x = draw(2, 5, 12)
        mask = torch.ones(5, 5).triu(1).bool() if causal else None
        expected, _ = reference(x, x, x, attn_mask=mask, need_weights=False)
        assert torch.allclose(mine(x), expected, atol=1e-6)
        if not causal:
            context = draw(2, 7, 12, seed=1)
            expected, _ = reference(x, context, context, need_weights=False)
            assert torch.allclose(mine(x, context), expected, atol=1e-6)
            values = draw(2, 7, 12, seed=2)
            expected, _ = reference(x, context, values, need_weights=False)
            assert torch.allclose(mine(x, context, values), expected, atol=1e-6)


def test_leading_axes_are_batch():
    attention, x = Attention(8, 2), draw(2, 3, 5, 8)
    with torch.no_grad():
        assert torch.allclose(attention(x)[1, 2], attention(x[1:2, 2])[0], atol=1e-6)


def test_width_must_be_a_multiple_of_heads():
    with pytest.raises(ValueError, match="heads 3"):
        Attention(8, 3)


def test_grid_block_is_causal_over_frames():
    torch.manual_seed(0)
    block, x = GridBlock(8, 2, 2), draw(1, 4, 3, 8)
    moved = changed_rows(block, x, (0, 2, 1, 0))  # (1, frames, cells)
    assert not moved[0, :2].any() and moved[0, 2:].all()
    with torch.no_grad():
        assert torch.allclose(block(x)[:, :1], block(x[:, :1]), atol=1e-6)


def stack_of(self_over, read_over, depth=1):
    """A function of queries (1, 3, 2, 8), where they are, patches and where those are: (1, 3, 4, 8)."""
    torch.manual_seed(0)
    return QueryStack(8, 2, 2, depth, self_over, read_over)


QUERIES, ADDRESS, PATCHES, PLACES = (
    draw(1, 3, 2, 8),
    draw(3, 2, 8, seed=1),
    draw(1, 3, 4, 8, seed=2),
    draw(3, 4, 8, seed=3),
)


@pytest.mark.parametrize("read_over, reached", [("group", [False, True, False]), ("all", [True, True, True])])
def test_who_reads_which_patches(read_over, reached):
    stack = stack_of("group", read_over, depth=2)
    moved = changed_rows(
        lambda p: stack(QUERIES, ADDRESS, p, PLACES), PATCHES, (0, 1, 0, 0)
    )  # one number: norms do not undo it
    assert moved[0].all(-1).tolist() == moved[0].any(-1).tolist() == reached


@pytest.mark.parametrize("self_over, reached", [("group", [False, True, False]), ("all", [True, True, True])])
def test_which_queries_see_each_other(self_over, reached):
    stack = stack_of(self_over, "all")
    moved = changed_rows(lambda q: stack(q, ADDRESS, PATCHES, PLACES), QUERIES, (0, 1, 0, 0))
    assert moved[0].all(-1).tolist() == moved[0].any(-1).tolist() == reached


def test_addresses_and_places_steer_what_is_read():
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
    layer = QueryLayer(8, 2, 2, "all", "all")
    queries, patches = layer(draw(2, 3, 2, 8), ADDRESS, draw(2, 5, 4, 8), draw(5, 4, 8))
    assert queries.shape == (2, 3, 2, 8) and patches.shape == (2, 5, 4, 8)


@pytest.mark.parametrize("count, times", [(4, [0]), (5, [0]), (16, [1, 2, 3, 4]), (10, [1, 2, 3]), (1, [0])])
def test_queries_start_distinct_and_trainable(count, times):
    queries = learned_queries(count, times, 4, 24)
    assert queries.shape == (count, 24) and queries.requires_grad and queries.is_leaf
    assert (torch.cdist(queries, queries) + 9 * torch.eye(count)).min() > 0.05
