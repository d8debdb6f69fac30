"""The patchwise peers, and others that are causal in time: any length, windows in space, the papers' numbers of tokens."""

import subprocess
import sys

import pytest
import torch

from sweettok.metrics.reconstruction import code_size
from sweettok.models import tokenizer as tokenizer_module
from sweettok.models.attention import AttentionLayer
from sweettok.models.patchwise import window_side
from sweettok.models.quantizers import build_quantizers
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Patches

TOKENS = {"spatial_tokens": 16, "temporal_tokens": 64}  # a 4 x 4 grid, 4 later latent frames
PEERS = ("cvivit", "omnitokenizer")
CAUSAL = {
    **{name: {"architecture": name} for name in PEERS},
    "hierarchical": {"architecture": "hierarchical"},
    "diffusion decoder": {"architecture": "omnitokenizer", "diffusion_steps": 2},
}


@pytest.fixture(scope="module")
def models(make_model):
    made = {
        name: make_model(spatial_depth=2, temporal_depth=2, **TOKENS, **overrides) for name, overrides in CAUSAL.items()
    }
    for weight in made["diffusion decoder"].diffusion_decoder.to_pixels.parameters():  # it starts at nothing
        torch.nn.init.normal_(weight, std=0.05)
    return made


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("frame", [3, 5, 7])
def test_later_frames_leave_earlier_tokens_and_pictures_alone(models, clips, name, frame):
    """Frames from `frame` on are others: tokens of the latent frames before stay, those after change."""
    model, clip = models[name], clips(2)
    other = torch.cat([clip[:, :, :frame], clips(2, seed=9)[:, :, frame:]], dim=2)
    one, two = model.encode(clip), model.encode(other)
    before = 16 * model.latent_frames(frame)
    assert torch.equal(one[:, :before], two[:, :before]) and not torch.equal(one[:, before:], two[:, before:])
    shown = [model.decode(tokens) for tokens in (one, two)]
    assert torch.allclose(shown[0][:, :, :frame], shown[1][:, :, :frame], atol=1e-5)
    assert not torch.allclose(shown[0][:, :, frame:], shown[1][:, :, frame:], atol=1e-3)


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("frames", [1, 3, 5, 11, 33])
def test_any_length_has_the_same_tokens_a_latent_frame(models, clips, name, frames):
    """A longer clip's tokens begin with those of its first frames."""
    model = models[name]
    video = torch.cat([clips(2, seed) for seed in range(4)], dim=2)[:, :, :frames]
    longer = model.at_length(frames)
    tokens = longer.encode(video)
    assert (
        tokens.shape == (2, 16 * model.latent_frames(frames)) == (2, sum(longer.groups.values()) if frames > 1 else 16)
    )
    assert longer.decode(tokens).shape == video.shape
    if frames >= 9:
        assert torch.equal(tokens[:, : 16 * 5], model.encode(video[:, :, :9]))
        assert code_size(longer)["tokens"] == tokens.shape[1]
    assert model.frames == 9 and model.groups == {"spatial": 16, "temporal": 64}


@pytest.mark.parametrize("name, moved", [("cvivit", 16), ("omnitokenizer", 4)])
def test_attention_in_space_is_over_the_frame_or_its_windows(models, name, moved):
    encoder = models[name].backbone.encoder
    x = torch.randn(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[0, 1, 5] += torch.linspace(-1, 1, 24)  # row 1, column 1 of the second frame; norms take a common shift away
    with torch.no_grad():
        changed = ((encoder(x) - encoder(other)).abs() > 1e-6).any(-1)[0]  # (3, 16)
    assert changed.sum(1).tolist() == [0, moved, moved]
    assert moved == 16 or changed[1].nonzero().flatten().tolist() == [0, 1, 4, 5]


@pytest.mark.parametrize("side, window", [(1, 1), (2, 1), (4, 2), (6, 3), (8, 4), (16, 8), (20, 5), (32, 8)])
def test_windows_divide_the_grid(side, window):
    assert window_side(side) == window


def test_a_causal_layer_against_attention_to_one_token_after_another():
    torch.manual_seed(0)
    layer, x = AttentionLayer(8, 2, 2, causal=True), torch.randn(3, 5, 8)
    free = AttentionLayer(8, 2, 2)
    free.load_state_dict(layer.state_dict())
    with torch.no_grad():
        expected = torch.cat([free(x[:, : end + 1])[:, -1:] for end in range(5)], dim=1)
        assert torch.allclose(layer(x), expected, atol=1e-6)


@pytest.mark.parametrize("name", PEERS)
def test_other_numbers_of_tokens_are_refused(make_model, name):
    with pytest.raises(ValueError, match=f"{name} .* 16 .* 64, got 4 and 16"):
        make_model(architecture=name)


@pytest.mark.parametrize(
    "overrides, clip, patches, tokens, bits",
    [
        ({"architecture": "omnitokenizer"}, (17, 256), Patches(spatial=8, temporal=4), (1024, 4096), 13),  # 5,120
        ({"architecture": "cvivit"}, (11, 128), Patches(spatial=8, temporal=2), (256, 1280), 13),  # 1,536
        # No more tokens than in one layer, of which a quarter are coarse.
        ({"architecture": "hierarchical"}, (17, 256), Patches(spatial=8, temporal=4), (1024, 4096), 13),
        # TokenFlow's finest scale, 16 x 16 indices of 16,384 pairs of codes: bits are of the index, not of each code.
        ({"architecture": "cvivit", "quantizer": "dual"}, (1, 256), Patches(spatial=16, temporal=4), (256, 4), 14),
    ],
)
def test_tokens_and_bits_at_the_papers_sizes(
    overrides, clip, patches, tokens, bits, tokenizer_of, proxy_params, codebook, monkeypatch
):
    """Here words stand in for the papers' codebooks: bits are those of as many codes as the papers have."""

    def on_cpu(*arguments):
        with torch.device("cpu"):
            return build_quantizers(*arguments)

    monkeypatch.setattr(tokenizer_module, "build_quantizers", on_cpu)
    with torch.device("meta"):
        settings = tokenizer_of(spatial_tokens=tokens[0], temporal_tokens=tokens[1], **overrides)
        model = VideoTokenizer(settings, patches, proxy_params, clip, codebook)
    for quantizer in model.quantizers.values():
        assert len(quantizer.slots) == 1
        quantizer.slots = [(0, 2**bits)]
    count = sum(tokens) if clip[0] > 1 else tokens[0]
    assert code_size(model) == {"tokens": count, "indices": count, "bits": bits * count}


@pytest.mark.parametrize("name", CAUSAL)
def test_another_process_decodes_the_same(models, clips, name, tmp_path):
    clip = clips(2, seed=5)
    tokens = models[name].encode(clip)
    models[name].save(tmp_path / "model")
    torch.save({"clip": clip, "tokens": tokens, "shown": models[name].decode(tokens)}, tmp_path / "given.pt")
    program = (
        "import sys, torch; from sweettok.models.tokenizer import VideoTokenizer\n"
        "model, given = VideoTokenizer.load(sys.argv[1] + '/model'), torch.load(sys.argv[1] + '/given.pt')\n"
        "assert torch.equal(model.encode(given['clip']), given['tokens'])\n"
        "assert torch.equal(model.decode(given['tokens']), given['shown'])\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
