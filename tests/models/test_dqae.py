"""The backbones: equal token counts, what each token and each patch may depend on, bad geometry."""

import pytest
import torch

from sweettok.models.dqae import ARCHITECTURES, grid_side

CHANNELS, FRAMES, SIDE = 12, 5, 4
BACKBONES = {
    "decoupled": {},
    "decoupled, global": {"temporal_queries": "global"},
    "decoupled, per frame": {"temporal_queries": "per_frame"},
    "decoupled, fewer": {"temporal_queries": "global", "temporal_tokens": 4, "spatial_tokens": 1},
    "decoupled, per frame, fewer": {"temporal_queries": "per_frame", "temporal_tokens": 4, "spatial_tokens": 1},
    "decoupled, consecutive": {"residual": "consecutive"},
    "decoupled, global, consecutive": {"temporal_queries": "global", "residual": "consecutive"},
    "coupled": {"architecture": "coupled"},
    "downsample": {"architecture": "downsample"},
    "cvivit": {"architecture": "cvivit", "spatial_tokens": 16, "temporal_tokens": 64},
    "omnitokenizer": {"architecture": "omnitokenizer", "spatial_tokens": 16, "temporal_tokens": 64},
    "holistic": {"architecture": "holistic", "spatial_tokens": 3, "temporal_tokens": 7},
}
APART = [
    name for name in BACKBONES if name not in ("coupled", "holistic")
]  # what tells the first frame from the later ones


@pytest.fixture
def build(tokenizer_of):
    def make(frames=FRAMES, **overrides):
        torch.manual_seed(0)
        params = tokenizer_of(**overrides)
        return ARCHITECTURES[params.architecture](params, CHANNELS, frames, SIDE).eval()

    return make


def patches(count, seed=0, frames=FRAMES):
    return torch.randn(count, CHANNELS, frames, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def tokens_of(name):
    settings = {"spatial_tokens": 4, "temporal_tokens": 16} | BACKBONES[name]
    return settings["spatial_tokens"], settings["temporal_tokens"]


@pytest.mark.parametrize("name", BACKBONES)
def test_shapes(build, name):
    backbone, (spatial_tokens, temporal_tokens) = build(**BACKBONES[name]), tokens_of(name)
    with torch.no_grad():
        spatial, temporal = backbone.encode(patches(2))
        assert spatial.shape == (2, spatial_tokens, 24) and temporal.shape == (2, temporal_tokens, 24)
        assert backbone.decode(spatial, temporal, FRAMES).shape == (2, 24, FRAMES, SIDE, SIDE)
        spatial, nothing = backbone.encode(patches(2)[:, :, :1])
        assert spatial.shape == (2, spatial_tokens, 24) and nothing is None
        assert backbone.decode(spatial, None, 1).shape == (2, 24, 1, SIDE, SIDE)


@pytest.mark.parametrize("name", [name for name in BACKBONES if name != "downsample"])
def test_a_backbone_of_images(build, name):
    backbone = build(frames=1, **BACKBONES[name])
    with torch.no_grad():
        spatial, nothing = backbone.encode(patches(2, frames=1))
        assert spatial.shape == (2, tokens_of(name)[0], 24) and nothing is None
        assert backbone.decode(spatial, None, 1).shape == (2, 24, 1, SIDE, SIDE)


@pytest.mark.parametrize("name", BACKBONES)
def test_tokens_and_patches_do_not_depend_on_the_batch(build, name):
    backbone, given = build(**BACKBONES[name]), patches(3)
    with torch.no_grad():
        whole = backbone.encode(given)
        parts = [torch.cat(part) for part in zip(*(backbone.encode(one) for one in given.split(1)), strict=True)]
        assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(whole, parts, strict=True))
        shown = torch.cat(
            [backbone.decode(s, t, FRAMES) for s, t in zip(*map(lambda z: z.split(1), whole), strict=True)]
        )
        assert torch.allclose(backbone.decode(*whole, FRAMES), shown, atol=1e-5)


@pytest.mark.parametrize("name", APART)
def test_spatial_tokens_depend_on_the_first_frame_only(build, name):
    backbone, clip = build(**BACKBONES[name]), patches(2)
    other = torch.cat([clip[:, :, :1], patches(2, seed=4)[:, :, 1:]], dim=2)
    with torch.no_grad():
        (one, moved), (two, moved_too), (image, _) = (backbone.encode(c) for c in (clip, other, clip[:, :, :1]))
    assert torch.allclose(one, two, atol=1e-5) and torch.allclose(one, image, atol=1e-5)
    assert not torch.allclose(moved, moved_too, atol=1e-2)


def test_all_tokens_of_the_coupled_one_depend_on_all_frames(build):
    backbone, clip = build(architecture="coupled"), patches(1)
    with torch.no_grad():
        for frame in range(FRAMES):
            other = clip.clone()
            other[:, :, frame] += 1.0
            for one, two in zip(backbone.encode(clip), backbone.encode(other), strict=True):
                assert ((one - two).abs().amax(-1) > 1e-6).all()


@pytest.mark.parametrize("name", APART)
def test_the_first_frame_is_decoded_from_spatial_tokens_alone(build, name):
    """As an image of the same tokens is."""
    backbone = build(**BACKBONES[name])
    with torch.no_grad():
        spatial, temporal = backbone.encode(patches(2))
        clip, image = backbone.decode(spatial, temporal, FRAMES), backbone.decode(spatial, None, 1)
    assert torch.allclose(clip[:, :, :1], image, atol=1e-5)


def test_residuals_differ_by_setting(build):
    """Both settings start from the same weights: only what temporal tokens read differs, from the 2nd residual on."""
    first, consecutive = build(), build(residual="consecutive")
    consecutive.load_state_dict(first.state_dict())
    clip, short = patches(1), patches(1)[:, :, :2]
    with torch.no_grad():
        assert not torch.allclose(first.encode(clip)[1], consecutive.encode(clip)[1], atol=1e-3)
        assert torch.equal(first.encode(short)[1], consecutive.encode(short)[1])  # one residual: the same


@pytest.mark.parametrize("name", ["decoupled", "decoupled, global", "decoupled, per frame"])
def test_temporal_tokens_read_differences_from_the_first_frame(build, name):
    """But for what their starting values take of the first frame, the same shift of all frames leaves them as they are;
    the spatial tokens tell of it."""
    backbone, clip = build(**BACKBONES[name]), patches(2)
    weight = backbone.temporal_start.gather.weight
    with torch.no_grad():
        of_first = weight[:, :CHANNELS]  # of (D, 2 C, span, s, s)
        assert of_first.any()
        of_first.zero_()
        (spatial, temporal), (moved, same) = backbone.encode(clip), backbone.encode(clip + patches(2, 7)[:, :, :1])
    assert torch.allclose(temporal, same, atol=1e-4) and not torch.allclose(spatial, moved, atol=1e-2)


def moved_by_one_patch(backbone):
    """Temporal tokens that move when patch 6 (row 1, column 2) of a later frame does."""
    clip = patches(1)
    changed = clip.clone()
    changed[:, :, 3, 1, 2] += 1.0
    with torch.no_grad():
        moved = ((backbone.encode(clip)[1] - backbone.encode(changed)[1]).abs() > 1e-6).any(-1)
    return moved[0].nonzero().flatten().tolist()


def test_per_location_tokens_read_their_own_patch(build):
    assert moved_by_one_patch(build(temporal_depth=2, encoder_blocks=2)) == [6]


@pytest.mark.parametrize("queries", ["global", "per_frame"])
def test_global_tokens_read_every_patch(build, queries):
    assert moved_by_one_patch(build(temporal_queries=queries)) == list(range(16))


@pytest.mark.parametrize("name", BACKBONES)
def test_parts_name_every_parameter_once(build, name):
    backbone = build(**BACKBONES[name])
    named = [
        id(parameter)
        for members in backbone.parts().values()
        for member in members
        for parameter in (member.parameters() if isinstance(member, torch.nn.Module) else [member])
    ]
    assert len(named) == len(set(named)) and set(named) == {id(parameter) for parameter in backbone.parameters()}


@pytest.mark.parametrize("name", BACKBONES)
def test_every_token_matters_to_the_decoder(build, name):
    backbone = build(**BACKBONES[name])
    with torch.no_grad():
        spatial, temporal = backbone.encode(patches(1))
    spatial.requires_grad_(), temporal.requires_grad_()
    direction = torch.randn(1, 24, FRAMES, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    (backbone.decode(spatial, temporal, FRAMES) * direction).sum().backward()
    assert spatial.grad.abs().sum(-1).min() > 0 and temporal.grad.abs().sum(-1).min() > 0


@pytest.mark.parametrize("name", BACKBONES)
def test_every_patch_matters_to_the_encoder(build, name):
    given = patches(1).requires_grad_()
    spatial, temporal = build(**BACKBONES[name]).encode(given)
    generator = torch.Generator().manual_seed(0)
    (spatial * torch.randn(spatial.shape, generator=generator)).sum().backward(retain_graph=True)
    (temporal * torch.randn(temporal.shape, generator=generator)).sum().backward()
    assert given.grad.abs().sum(1).min() > 0


def test_sides_of_token_grids():
    assert [grid_side(tokens, 8, "spatial") for tokens in (1, 4, 16, 64)] == [1, 2, 4, 8]


@pytest.mark.parametrize(
    "overrides, named",
    [
        ({"spatial_tokens": 5}, "5 spatial .*4 x 4"),
        ({"spatial_tokens": 9}, "9 spatial .*4 x 4"),
        ({"temporal_tokens": 15}, "15 temporal .*4 x 4"),
        ({"temporal_tokens": 64}, "64 temporal .*4 x 4"),
        ({"temporal_queries": "global", "temporal_tokens": 9}, "9 temporal .*4 x 4"),
        ({"temporal_queries": "per_frame", "temporal_tokens": 18}, "18 temporal .*4 latent"),
        ({"temporal_queries": "per_frame", "temporal_tokens": 8}, "2 temporal .*4 x 4"),
        ({"architecture": "coupled", "spatial_tokens": 2}, "2 spatial .*4 x 4"),
        ({"architecture": "coupled", "temporal_tokens": 18}, "18 temporal .*4 latent"),
        ({"architecture": "coupled", "temporal_tokens": 8}, "2 temporal .*4 x 4"),
        ({"architecture": "downsample", "spatial_tokens": 2}, "2 spatial .*4 x 4"),
        ({"architecture": "downsample", "temporal_tokens": 15}, "spatial_tokens .*4 .*4 and 15"),
        ({"architecture": "downsample", "spatial_tokens": 1}, "spatial_tokens .*4 .*1 and 16"),
    ],
)
def test_tokens_that_do_not_fit_the_grid(build, overrides, named):
    with pytest.raises(ValueError, match=named):
        build(**overrides)
