"""The trilinear grid: its interpolation against a reference, its budget, and what a fitted grid is worth."""

import math

import numpy as np
import pytest
import torch

from sweettok.metrics.fidelity import psnr
from sweettok.tokenizers.trilinear import best_trilinear_grid, trilinear, trilinear_grid_for_values


@pytest.fixture(scope="module")
def clips():
    """Four clips of 9 frames, 12 x 16: a soft blob that moves over a slope."""
    generator = torch.Generator().manual_seed(0)
    time, y, x = torch.meshgrid(torch.arange(9.0), torch.arange(12.0), torch.arange(16.0), indexing="ij")
    rows = []
    for _ in range(4):
        start, speed, slope, colour = (torch.rand(4, 3, generator=generator) * 2 - 1).unbind()
        distance = (y - 6 - 3 * start[0] - speed[0] * time) ** 2 + (x - 8 - 4 * start[1] - speed[1] * time) ** 2
        blob = torch.exp(-distance / 6)
        rows.append(torch.stack([0.5 * slope[c] * (x / 8 - 1) + 0.5 * colour[c] * blob for c in range(3)]))
    return torch.stack(rows)


def reference_axis(values: np.ndarray, areas: int) -> np.ndarray:
    """One axis down and up again, sample by sample: 840-fold finer pixels, averaged, then numpy's interpolation."""
    size = len(values)
    fine = np.repeat(values, 840)
    means = fine.reshape(areas, -1).mean(axis=1)
    centres = (np.arange(areas) + 0.5) * size / areas
    return np.interp(np.arange(size) + 0.5, centres, means)  # beyond the outer centres: constant


@pytest.mark.parametrize("grid", [(1, 1, 1), (2, 3, 4), (4, 5, 7), (9, 12, 16)])
def test_trilinear_agrees_with_an_axis_by_axis_reference(clips, grid):
    expected = clips.numpy().astype(float)
    for axis, areas in zip((2, 3, 4), grid, strict=True):
        expected = np.apply_along_axis(reference_axis, axis, expected, areas)
    difference = np.abs(trilinear(clips, grid).numpy() - expected)
    assert difference.max() <= 1 / 255 + 1e-6, "rounding to 8 bits moves a value by at most half a step of 2/255"
    if grid == (1, 1, 1):
        assert difference.max() > 1e-5, "and it does round"


def test_trilinear_values_are_8_bit(clips):
    same = trilinear(clips, (9, 12, 16))  # no change of size: only the rounding is left
    levels = (same + 1) * 127.5
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-3)


def test_a_finer_grid_is_better_and_batch_size_changes_nothing(clips):
    scores = [psnr(clips, trilinear(clips, grid)).mean() for grid in [(1, 1, 1), (3, 3, 4), (5, 6, 8), (9, 12, 16)]]
    assert all(coarse < fine for coarse, fine in zip(scores, scores[1:], strict=False))
    alone = torch.cat([trilinear(clip[None], (3, 3, 4)) for clip in clips])
    torch.testing.assert_close(alone, trilinear(clips, (3, 3, 4)))


@pytest.mark.parametrize("values", [3, 5, 24, 81, 300, 100_000])
def test_grids_stay_within_the_budget_and_the_clip(clips, values):
    for grid in (trilinear_grid_for_values(values, clips.shape), best_trilinear_grid(clips[:1], values)):
        assert 3 * math.prod(grid) <= values or math.prod(grid) == 1
        assert all(1 <= areas <= size for areas, size in zip(grid, clips.shape[2:], strict=True))


def test_proportioned_grid():
    assert trilinear_grid_for_values(3 * 8, (1, 3, 16, 16, 16)) == (2, 2, 2)
    assert trilinear_grid_for_values(3 * 2 * 4 * 6, (8, 16, 24)) == (2, 4, 6)
    assert trilinear_grid_for_values(10**6, (8, 16, 24)) == (8, 16, 24)
    assert trilinear_grid_for_values(3 * 16, (1, 32, 32)) == (1, 4, 4)


def test_best_grid_beats_the_proportioned_one_and_follows_the_content(clips):
    values = 72
    best = psnr(clips, trilinear(clips, best_trilinear_grid(clips, values))).mean()
    assert best >= psnr(clips, trilinear(clips, trilinear_grid_for_values(values, clips.shape))).mean()

    still = clips[:, :, :1].expand_as(clips)
    assert best_trilinear_grid(still, values)[0] == 1, "nothing moves: no value is spent on time"
    flicker = torch.linspace(-1, 1, 9).view(1, 1, 9, 1, 1).cos().expand(1, 3, 9, 12, 16)
    assert best_trilinear_grid(flicker, 24)[0] >= 4, "only time changes: the values go there"


def test_bad_input(clips):
    with pytest.raises(ValueError, match=r"clip: .*\[-1, 1\]"):
        trilinear(clips * 100, (1, 1, 1))
    with pytest.raises(ValueError, match=r"clip: .*\(B, 3, T, H, W\)"):
        trilinear(clips[0], (1, 1, 1))
    with pytest.raises(ValueError, match=r"grid: .*\(9, 12, 16\) .*\(10, 1, 1\)"):
        trilinear(clips, (10, 1, 1))
    with pytest.raises(ValueError, match="values: .*3 .* 2$"):
        trilinear_grid_for_values(2, clips.shape)
