import pytest
import torch
from torch import nn

from sweettok.metrics.perceptual import perceptual_distance


class TinyJudge(nn.Module):
    """Two layers of 3-D convolutions with fixed random weights."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first, self.second = nn.Conv3d(3, 4, 3, padding=1), nn.Conv3d(4, 6, 3, stride=2)
        for weight in self.parameters():
            weight.data = torch.randn(weight.shape, generator=generator) * 0.3
        self.requires_grad_(False)

    def maps(self, clip):
        first = self.first(clip).relu()
        return [first, self.second(first).relu()]


@pytest.fixture(scope="module")
def judge():
    return TinyJudge()


@pytest.fixture(scope="module")
def clips():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, 3, 5, 8, 8, generator=generator) * 2 - 1  # two batches of three clips


def test_agrees_with_cosine_arithmetic(judge, clips):
    """Position by position: 2 - 2 cosine, where a silent position counts as length 0."""
    a, b = clips
    expected = torch.zeros(3, dtype=torch.float64)
    for map_a, map_b in zip(judge.maps(a), judge.maps(b), strict=True):
        for i in range(3):
            x, y = map_a[i].flatten(1).double(), map_b[i].flatten(1).double()  # (C, positions)
            lengths = (x.norm(dim=0) > 1e-3).double() + (y.norm(dim=0) > 1e-3).double()
            expected[i] += (lengths - 2 * torch.cosine_similarity(x, y, dim=0)).mean()
    torch.testing.assert_close(perceptual_distance(judge, a, b).double(), expected, rtol=1e-3, atol=1e-3)


def test_properties(judge, clips):
    a, b = clips
    distance = perceptual_distance(judge, a, b)
    assert distance.shape == (3,) and (distance > 0).all() and (distance <= 8).all()
    assert torch.equal(perceptual_distance(judge, a, a), torch.zeros(3))
    torch.testing.assert_close(perceptual_distance(judge, b, a), distance)
    alone = torch.cat([perceptual_distance(judge, a[i : i + 1], b[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(alone, distance)
    nearer = perceptual_distance(judge, a, a + 0.2 * (b - a))
    assert (nearer < distance).all()


def test_its_gradient_leads_towards_the_clip(judge, clips):
    target, start = clips
    estimate = start.clone().requires_grad_()
    before = perceptual_distance(judge, estimate, target).sum()
    before.backward()
    assert estimate.grad.isfinite().all()
    step = 0.1 * estimate.grad / estimate.grad.norm()
    assert perceptual_distance(judge, start - step, target).sum() < before


def test_the_gradient_is_finite_where_the_judge_is_silent(clips):
    class Silent:
        def maps(self, clip):
            return [clip * 0]

    estimate = clips[0].clone().requires_grad_()
    perceptual_distance(Silent(), estimate, clips[1]).sum().backward()
    assert estimate.grad.isfinite().all()


def test_shapes_must_agree(judge, clips):
    with pytest.raises(ValueError, match="shapes"):
        perceptual_distance(judge, clips[0], clips[1][:, :, :3])
