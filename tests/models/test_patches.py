"""Clips <-> patches: shapes, an exact round trip, positions, and what is refused."""

import pytest
import torch

from sweettok.models.patches import (
    PatchEmbed,
    PatchToPixels,
    check_clip,
    grid_positions,
    latent_times,
    position_codes,
    square_positions,
)
from sweettok.params import Patches

PATCHES = Patches(spatial=4, temporal=2)


def clip_of(frames, height=16, width=16, batch=2):
    return torch.rand(batch, 3, frames, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("frames, latent", [(1, 1), (3, 2), (9, 5)])
def test_shapes(frames, latent):
    features = PatchEmbed(PATCHES, 12)(clip_of(frames))
    assert features.shape == (2, 12, latent, 4, 4) and features.is_contiguous()
    assert PatchToPixels(PATCHES, 12)(features).shape == (2, 3, frames, 16, 16)


@pytest.mark.parametrize("frames, height, width", [(1, 16, 16), (9, 16, 16), (5, 8, 20)])
def test_orthogonal_embedding_is_undone(frames, height, width):
    """With orthonormal columns and their transpose (for the first frame: its mean over time), embedding and its inverse
    are the identity on what a clip adds."""
    dim = 100
    embed, to_pixels = PatchEmbed(PATCHES, dim), PatchToPixels(PATCHES, dim)
    with torch.no_grad():
        torch.nn.init.orthogonal_(embed.embed.weight, generator=torch.Generator().manual_seed(0))
        back = embed.embed.weight.T  # (pixels of 2 frames, 100)
        to_pixels.rest.weight.copy_(back)
        to_pixels.first.weight.copy_(back.view(3, 2, 16, dim).mean(1).flatten(0, 1))
        to_pixels.first.bias.zero_(), to_pixels.rest.bias.zero_()
        clip = clip_of(frames, height, width)
        features = embed(clip) - embed(torch.zeros_like(clip))
        assert torch.allclose(to_pixels(features), clip, atol=1e-5)


def test_a_patch_that_stands_still_has_the_same_features_in_all_latent_frames():
    """So that its residual is zero; one that moves has another's."""
    clip = clip_of(9)
    still = clip[:, :, :1].expand(-1, -1, 9, -1, -1).clone()
    features = PatchEmbed(PATCHES, 12)(still)
    assert torch.allclose(features, features[:, :, :1].expand_as(features), atol=1e-6)
    still[:, :, 4] = clip[:, :, 4]
    moved = (PatchEmbed(PATCHES, 12)(still).diff(dim=2).abs().amax(dim=(0, 1, 3, 4)) > 1e-3).tolist()
    assert moved == [False, True, True, False]  # latent frame 2 differs from those around it


def test_a_patch_depends_on_its_own_pixels_only():
    embed, clip = PatchEmbed(PATCHES, 12), clip_of(9, batch=1)
    changed = clip.clone()
    changed[:, :, 3:5, 4:8, 8:12] += 0.1  # latent frame 2, row 1, column 2
    moved = (embed(clip) != embed(changed)).any(dim=1).nonzero().tolist()
    assert moved == [[0, 2, 1, 2]]


def test_pixels_of_a_patch_depend_on_its_features_only():
    to_pixels = PatchToPixels(PATCHES, 12)
    features = torch.rand(1, 12, 5, 4, 4, generator=torch.Generator().manual_seed(1))
    changed = features.clone()
    changed[0, :, 2, 1, 2] += 0.1
    moved = (to_pixels(features) != to_pixels(changed)).any(dim=1)[0]
    expected = torch.zeros(9, 16, 16, dtype=torch.bool)
    expected[3:5, 4:8, 8:12] = True
    assert torch.equal(moved, expected)


def test_an_image_has_the_features_of_a_clips_first_frame():
    embed, clip = PatchEmbed(PATCHES, 12), clip_of(9)
    assert torch.allclose(embed(clip)[:, :, :1], embed(clip[:, :, :1]), atol=1e-6)


def test_positions_are_distinct_and_do_not_depend_on_the_grid_size():
    codes = grid_positions(5, 4, 4, 24)
    assert codes.shape == (5, 16, 24)
    distances = torch.cdist(codes.flatten(0, 1), codes.flatten(0, 1)) + 9 * torch.eye(80)
    assert distances.min() > 0.1
    larger = grid_positions(6, 7, 7, 24).unflatten(1, (7, 7))[:5, :4, :4].flatten(1, 2)
    assert torch.equal(larger, codes)


def test_codes_of_places_between_patches():
    """Real-valued places; time, row and column have channels of their own."""
    codes = position_codes(torch.tensor([0.5]), torch.tensor([0.0, 1.0]), torch.tensor([0.25, 2.0]), 24)
    assert codes.shape == (1, 4, 24)
    whole = grid_positions(1, 2, 3, 24).unflatten(1, (2, 3))
    same_column = codes.unflatten(1, (2, 2))[0, :, 1, 16:]
    assert torch.equal(same_column, whole[0, :, 2, 16:]) and not torch.equal(codes[0, 0, :8], whole[0, 0, 0, :8])


@pytest.mark.parametrize("dim", [12, 13, 14, 17])
def test_any_width_has_positions(dim):
    assert grid_positions(2, 3, 4, dim).shape == (2, 12, dim)


def test_clips_at_the_edges_are_accepted():
    for clip in (clip_of(1), clip_of(9), torch.ones(1, 3, 3, 4, 8), -torch.ones(1, 3, 1, 4, 4)):
        check_clip(clip, PATCHES)


@pytest.mark.parametrize(
    "clip, named",
    [
        (torch.zeros(3, 9, 16, 16), r"\(3, 9, 16, 16\)"),
        (torch.zeros(1, 9, 16, 16, 3), r"\(1, 9, 16, 16, 3\)"),
        (torch.zeros(1, 1, 9, 16, 16), r"\(1, 1, 9, 16, 16\)"),
        (torch.zeros(1, 3, 8, 16, 16), r"1 \+ k \* 2.*time 8"),
        (torch.zeros(1, 3, 0, 16, 16), "time 0"),
        (torch.zeros(0, 3, 9, 16, 16), r"shape \(0, 3, 9, 16, 16\)"),
        (torch.zeros(1, 3, 9, 0, 16), r"shape \(1, 3, 9, 0, 16\)"),
        (torch.zeros(1, 3, 9, 15, 16), "height 15"),
        (torch.zeros(1, 3, 9, 16, 18), "width 18"),
        (torch.zeros(1, 3, 9, 16, 16, dtype=torch.uint8), "uint8"),
        (torch.full((1, 3, 9, 16, 16), 255.0), r"\[-1, 1\].*\[255, 255\]"),
        (torch.full((1, 3, 9, 16, 16), -1.5), "-1.5"),
        (torch.full((1, 3, 9, 16, 16), torch.nan), "nan"),
    ],
)
def test_what_is_no_clip_is_refused(clip, named):
    with pytest.raises(ValueError, match=named):
        check_clip(clip, PATCHES)


def test_positions_of_a_square_grid():
    assert torch.equal(square_positions(3, 16, 24), grid_positions(3, 4, 4, 24))
    assert torch.equal(square_positions(8, 4, 24, 5), grid_positions(8, 2, 2, 24, 5))


def test_times_of_longer_clips_end_where_those_of_the_model_do():
    assert latent_times(3, 5).tolist() == [0, 1, 2] and latent_times(5, 5).tolist() == [0, 1, 2, 3, 4]
    times = latent_times(8, 5)
    assert times[0] == 0 and times[1] == 1 and times[-1] == 4
    assert torch.allclose(times[1:].diff(), torch.full((6,), 0.5))
    assert torch.allclose(grid_positions(8, 2, 2, 24, 5)[[0, 1, 3, 5, 7]], grid_positions(5, 2, 2, 24))
