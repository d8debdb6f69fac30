"""Causal blocks: against explicit loops, what a position may see, an image as the first frame of its clip."""

import pytest
import torch
import torch.nn.functional as F

from sweettok.models.convolution import KERNEL_FRAMES, CausalBlock, ChannelNorm, blocks


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def block_of(width, frames=KERNEL_FRAMES):
    """A block whose norm has learned, too."""
    torch.manual_seed(0)
    block = CausalBlock(width, frames)
    with torch.no_grad():
        block.norm.weight.copy_(1 + 0.3 * draw(width, 1, 1, 1, seed=1))
        block.norm.bias.copy_(0.3 * draw(width, 1, 1, 1, seed=2))
    return block


def norm_at(norm, vector):
    """The norm of one position's channels."""
    return vector / (vector.square().mean() + 1e-6).sqrt() * norm.weight.flatten() + norm.bias.flatten()


def test_channel_norm_is_of_one_position():
    x, norm = draw(2, 5, 3, 2, 4), block_of(5).norm
    with torch.no_grad():
        found = norm(x)
        for place in ((0, 0, 0, 0), (1, 2, 1, 3)):
            b, t, i, j = place
            assert torch.allclose(found[b, :, t, i, j], norm_at(norm, x[b, :, t, i, j]), atol=1e-6)


def test_the_norm_of_nothing_is_finite():
    x = torch.zeros(1, 5, 2, 3, 3, requires_grad=True)
    ChannelNorm(5)(x).sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_against_loops_over_positions(frames):
    block, x = block_of(4, frames), draw(1, 4, 4, 3, 2)
    hidden, expected = torch.zeros_like(x), x.clone()
    with torch.no_grad():
        for t in range(4):
            for i in range(3):
                for j in range(2):
                    total = block.space.bias.clone()
                    for down in (-1, 0, 1):
                        for right in (-1, 0, 1):
                            if 0 <= i + down < 3 and 0 <= j + right < 2:
                                seen = F.silu(norm_at(block.norm, x[0, :, t, i + down, j + right]))
                                total += block.space.weight[:, :, 0, 1 + down, 1 + right] @ seen
                    hidden[0, :, t, i, j] = F.silu(total)
        for t in range(4):
            for back in range(frames):
                if t - back >= 0:
                    weight = block.time.weight[:, :, frames - 1 - back, 0, 0]
                    expected[0, :, t] += torch.einsum("oc,chw->ohw", weight, hidden[0, :, t - back])
            expected[0, :, t] += block.time.bias[:, None, None]
        assert torch.allclose(block(x), expected, atol=1e-5)


def reached(network, x, place):
    """Positions (t, i, j) of network(x) that move when one of x at place (t, i, j) does."""
    other = x.clone()
    other[0, 0, *place] += 1.0
    with torch.no_grad():
        moved = ((network(x) - network(other)).abs() > 1e-6).any(dim=1)[0]
    return {tuple(position) for position in moved.nonzero().tolist()}


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_block_reaches_one_frame_on_and_one_position_around(depth):
    torch.manual_seed(0)
    moved = reached(blocks(depth, 8), draw(1, 8, 6, 7, 7), (1, 3, 3))
    near = range(3 - depth, 3 + depth + 1)
    assert moved == {(t, i, j) for t in range(1, 1 + depth + 1) for i in near for j in near}


def test_later_frames_never_change_earlier_ones():
    torch.manual_seed(0)
    network, clip = blocks(4, 8), draw(2, 8, 6, 3, 3)
    other = torch.cat([clip[:, :, :3], draw(2, 8, 3, 3, 3, seed=1)], dim=2)
    with torch.no_grad():
        one, two = network(clip), network(other)
    assert torch.allclose(one[:, :, :3], two[:, :, :3], atol=1e-6)
    assert ((one - two)[:, :, 3:].abs().amax(dim=(0, 1, 3, 4)) > 1e-2).all()


def test_an_image_is_the_first_frame_of_its_clip():
    torch.manual_seed(0)
    network, clip = blocks(3, 8), draw(2, 8, 5, 4, 4)
    with torch.no_grad():
        assert torch.allclose(network(clip)[:, :, :1], network(clip[:, :, :1]), atol=1e-6)


def test_over_space_alone_each_frame_is_for_itself():
    torch.manual_seed(0)
    network, clip = blocks(2, 8, frames=1), draw(2, 8, 5, 4, 4)
    with torch.no_grad():
        frames = [network(clip[:, :, t : t + 1]) for t in range(5)]
        assert torch.allclose(network(clip), torch.cat(frames, dim=2), atol=1e-6)


def test_no_blocks_change_nothing():
    x = draw(1, 3, 2, 2, 2)
    assert torch.equal(blocks(0, 3)(x), x)


@pytest.mark.parametrize("frames", [1, 2])
def test_gradients_reach_every_weight(frames):
    network = blocks(2, 6, frames)
    network(draw(2, 6, 4, 3, 3)).square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []
