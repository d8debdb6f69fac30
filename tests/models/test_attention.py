"""Attention: against torch's own, leading axes as batch, memory."""

import pytest
import torch

from sweettok.models import attention
from sweettok.models.attention import Attention, FeedForward, attend


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_agrees_with_torch_multi_head_attention():
    mine = Attention(12, 3)
    reference = torch.nn.MultiheadAttention(12, 3, batch_first=True, bias=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.cat([mine.query.weight, mine.key.weight, mine.value.weight]))
        reference.in_proj_bias.zero_()
        reference.out_proj.weight.copy_(mine.out.weight)
        reference.out_proj.bias.copy_(mine.out.bias)
        x = draw(2, 5, 12)
        expected, _ = reference(x, x, x, need_weights=False)
        assert torch.allclose(mine(x), expected, atol=1e-6)
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


@pytest.mark.parametrize("causal", [False, True])
def test_groups_that_take_turns_attend_as_all_at_once(causal, monkeypatch):
    """With their gradients; no call has more groups than it may."""
    groups, plain = [], torch.nn.functional.scaled_dot_product_attention

    def watched(q, *others, **options):
        groups.append(q.shape[0] * q.shape[1])
        return plain(q, *others, **options)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    given, found = [draw(7, 3, 4, 8, seed=place).requires_grad_() for place in range(3)], []
    for most in (21, 7):
        monkeypatch.setattr(attention, "MOST_GROUPS", most)
        mixed = attend(*given, causal)
        found.append([mixed, *torch.autograd.grad((mixed * draw(*mixed.shape, seed=5)).sum(), given)])
    assert groups == [21, 6, 6, 6, 3]
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*found, strict=True))


def test_width_must_be_a_multiple_of_heads():
    with pytest.raises(ValueError, match="heads 3"):
        Attention(8, 3)


def test_feed_forward_sees_one_position_at_a_time():
    feed, x = FeedForward(8, 2), draw(2, 5, 8)
    assert [tuple(p.shape) for p in feed.parameters()] == [(16, 8), (16,), (8, 16), (8,)]
    with torch.no_grad():
        assert torch.allclose(feed(x)[:, 3], feed(x[:, 3]), atol=1e-6)


def test_attention_keeps_no_scores(largest_storage):
    """Memory grows with tokens, not with their square."""
    attention, x = Attention(16, 2), draw(1, 1024, 16)
    with torch.no_grad(), largest_storage() as sizes:
        attention(x)
    assert max(sizes) == 4 * 1024 * 16  # of scores: 4 x 2 heads x 1024 x 1024 bytes
