"""The three backbones: equal token counts, what each token may depend on, bad geometry."""

import pytest
import torch

from sweettok.models.dqae import ARCHITECTURES
from sweettok.params import Patches

PATCHES, FRAMES, CELLS = Patches(spatial=4, temporal=2), 5, 16
BACKBONES = {
    "decoupled": {},
    "decoupled, global": {"temporal_queries": "global"},
    "decoupled, consecutive": {"residual": "consecutive"},
    "decoupled, global, consecutive": {"temporal_queries": "global", "residual": "consecutive"},
    "coupled": {"architecture": "coupled"},
    "downsample": {"architecture": "downsample"},
}


@pytest.fixture
def build(tokenizer_of):
    def make(**overrides):
        torch.manual_seed(0)
        params = tokenizer_of(**overrides)
        return ARCHITECTURES[params.architecture](params, PATCHES, FRAMES, CELLS).eval()

    return make


@pytest.mark.parametrize("name", BACKBONES)
def test_all_make_the_same_number_of_tokens(build, clips, name):
    backbone = build(**BACKBONES[name])
    with torch.no_grad():
        spatial, temporal = backbone.encode(clips(2))
        assert spatial.shape == (2, 4, 24) and temporal.shape == (2, 16, 24)
        assert backbone.decode(spatial, temporal, FRAMES).shape == (2, FRAMES, CELLS, 24)
        spatial, nothing = backbone.encode(clips(2)[:, :, :1])
        assert spatial.shape == (2, 4, 24) and nothing is None
        assert backbone.decode(spatial, None, 1).shape == (2, 1, CELLS, 24)


@pytest.mark.parametrize("name", [name for name in BACKBONES if name != "coupled"])
def test_spatial_tokens_depend_on_the_first_frame_only(build, clips, name):
    backbone, clip = build(**BACKBONES[name]), clips(2)
    other = torch.cat([clip[:, :, :1], clips(2, seed=4)[:, :, 1:]], dim=2)
    with torch.no_grad():
        (one, moved), (two, moved_too), (image, _) = (backbone.encode(c) for c in (clip, other, clip[:, :, :1]))
    assert torch.allclose(one, two, atol=1e-5) and torch.allclose(one, image, atol=1e-5)
    assert not torch.allclose(moved, moved_too, atol=1e-2)


def test_residuals_differ_by_setting(build, clips):
    """Both settings start from the same weights: only what temporal tokens read differs, from the 2nd residual on."""
    first, consecutive = build(), build(residual="consecutive")
    consecutive.load_state_dict(first.state_dict())
    clip, short = clips(1), clips(1)[:, :, :3]
    with torch.no_grad():
        assert not torch.allclose(first.encode(clip)[1], consecutive.encode(clip)[1], atol=1e-3)
        assert torch.equal(first.encode(short)[1], consecutive.encode(short)[1])  # one residual: the same


def test_per_location_tokens_read_their_own_cell(build, clips):
    """Without attention between queries, a pixel moves the temporal token of its own cell alone."""
    backbone, clip = build(), clips(1)
    for layer in backbone.temporal_encoder.layers:
        torch.nn.init.zeros_(layer.query_attention.out.weight)
    changed = clip.clone()
    changed[:, :, 5, 4:8, 8:12] *= 0.5  # cell 6
    with torch.no_grad():
        moved = ((backbone.encode(clip)[1] - backbone.encode(changed)[1]).abs() > 1e-5).any(-1)
    assert moved[0].nonzero().flatten().tolist() == [6]


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
def test_every_token_matters_to_the_decoder(build, clips, name):
    backbone = build(**BACKBONES[name])
    with torch.no_grad():
        spatial, temporal = backbone.encode(clips(1))
    spatial.requires_grad_(), temporal.requires_grad_()
    direction = torch.randn(1, FRAMES, CELLS, 24, generator=torch.Generator().manual_seed(0))
    (backbone.decode(spatial, temporal, FRAMES) * direction).sum().backward()
    assert spatial.grad.abs().sum(-1).min() > 0 and temporal.grad.abs().sum(-1).min() > 0


@pytest.mark.parametrize("tokens", [{"spatial_tokens": 5}, {"temporal_tokens": 15}, {"spatial_tokens": 2}])
def test_down_sampling_needs_a_grid_of_tokens(build, tokens):
    with pytest.raises(ValueError, match="down-sampling needs"):
        build(architecture="downsample", **tokens)
