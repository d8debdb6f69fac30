"""Attention: against torch's own, causality over time."""

import pytest
import torch
import torch.nn.functional as F

from sweettok.models.attention import Attention, GridBlock


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


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


def test_grid_block_is_causal_over_frames(changed_rows):
    torch.manual_seed(0)
    block, x = GridBlock(8, 2, 2), draw(1, 4, 3, 8)
    moved = changed_rows(block, x, (0, 2, 1, 0))  # (1, frames, cells)
    assert not moved[0, :2].any() and moved[0, 2:].all()
    with torch.no_grad():
        assert torch.allclose(block(x)[:, :1], block(x[:, :1]), atol=1e-6)


def test_grid_block_attends_twice_with_what_is_apart_as_batch(monkeypatch):
    """Over the cells of each frame, then over the frames of each cell: one fused call each, no loop over locations."""
    attend, shapes = F.scaled_dot_product_attention, []

    def watched(query, *others, **settings):
        shapes.append(tuple(query.shape))
        return attend(query, *others, **settings)

    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    GridBlock(8, 2, 2)(draw(2, 4, 3, 8))  # 2 clips, 4 frames, 3 cells; 2 heads of 4
    assert shapes == [(2 * 4, 2, 3, 4), (2 * 3, 2, 4, 4)]


def test_attention_keeps_no_scores(largest_storage):
    """Memory grows with tokens, not with their square."""
    attention, x = Attention(16, 2), draw(1, 1024, 16)
    with torch.no_grad(), largest_storage() as sizes:
        attention(x)
    assert max(sizes) == 4 * 1024 * 16  # of scores: 4 x 2 heads x 1024 x 1024 bytes
