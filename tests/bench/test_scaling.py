"""How time and memory grow: with clip length, resolution, vocabulary, batch and sequence length, random weights.

One axis at a time from the default profile; each point is a row with `curve` and `x`, from which the report fits the
exponent. What else has to change with the axis is said at each curve.
"""

from pathlib import Path

import pytest
import torch

from sweettok.generation.layout import TokenGroup, TokenLayout
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.sampling import sample
from sweettok.models.long_video import reconstruct_long
from sweettok.models.quantizers import build_quantizers
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import load_params

pytestmark = pytest.mark.slow
PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
CLIP = PARAMS.data.frames, PARAMS.data.size


@pytest.fixture
def build(vocabulary_of):
    """frames, size, patches and overrides of the tokenizer -> a model with random weights."""

    def make(frames=CLIP[0], size=CLIP[1], patches=PARAMS.patches, **overrides):
        torch.manual_seed(0)
        settings = PARAMS.tokenizer.model_copy(update=overrides)
        model = VideoTokenizer(settings, patches, PARAMS.proxy, (frames, size), vocabulary_of(64, 64, 64, 64))
        return model.eval().requires_grad_(False)

    return make


def clips(count, frames, size):
    return torch.rand(count, 3, frames, size, size) * 2 - 1


@pytest.mark.parametrize("frames", [17, 33, 65, 129])
def test_clip_length_in_one_go(measured, build, frames):
    """As many tokens whatever the length: patches grow, queries do not."""
    model, clip = build(frames=frames), clips(1, frames, CLIP[1])
    point = {"curve": "clip length, in one go", "x": frames, "at": f"{frames} frames", "items": frames}
    assert measured("reconstruct", lambda: model.reconstruct(clip), unit="frames", **point).shape == clip.shape


@pytest.mark.parametrize("frames", [17, 33, 65, 129])
def test_clip_length_in_windows(measured, build, frames):
    model, clip = build(), clips(1, frames, CLIP[1])[0].unbind(1)
    point = {"curve": "clip length, windows", "x": frames, "at": f"{frames} frames", "items": frames}
    video = measured("reconstruct", lambda: list(reconstruct_long(model, clip)), unit="frames", **point)
    assert len(video) == frames


@pytest.mark.parametrize("size", [64, 96, 128, 192, 256])
def test_resolution(measured, build, size):
    """Patches of 8x8 and the paper's share of tokens: one spatial for 4 patches, one temporal for each."""
    grid_patches = (size // 8) ** 2
    patches = PARAMS.patches.model_copy(update={"spatial": 8})
    model = build(size=size, patches=patches, spatial_tokens=grid_patches // 4, temporal_tokens=grid_patches)
    clip = clips(1, CLIP[0], size)
    point = {"curve": "resolution", "x": size, "at": f"{size}x{size}", "items": 1}
    assert measured("reconstruct", lambda: model.reconstruct(clip), **point).shape == clip.shape


@pytest.mark.parametrize("words", [1000, 2000, 5000, 10000, 20000])
def test_vocabulary(measured, vocabulary_of, words):
    """Nearest words of the paper's 1,280 tokens of 32 numbers."""
    settings = PARAMS.tokenizer.model_copy(update={"spatial_tokens": 1280, "code_dim": 32})
    torch.manual_seed(0)
    quantizer = build_quantizers(settings, vocabulary_of(words // 2, words // 2, 2, 2))["spatial"].eval()
    latents = torch.randn(1, 1280, settings.width)
    point = {"curve": "vocabulary", "x": words, "at": f"{words} words", "items": 1280}
    with torch.no_grad():
        found = measured("nearest words", lambda: quantizer(latents), unit="tokens", **point)
    assert found.indices.shape == (1, 1280)


@pytest.mark.parametrize("batch", [1, 2, 4, 8, 16, 32])
def test_batch(measured, build, batch):
    model, clip = build(), clips(batch, *CLIP)
    point = {"curve": "batch", "x": batch, "at": f"batch {batch}", "items": batch}
    assert measured("reconstruct", lambda: model.reconstruct(clip), **point).shape == clip.shape


@pytest.mark.parametrize("use_cache", [True, False], ids=["cache", "no cache"])
@pytest.mark.parametrize("tokens", [80, 320, 1280])
def test_sampling(measured, tokens, use_cache):
    """One clip without guidance, so that a step is one sequence."""
    _sampled(measured, "default", PARAMS.generator, tokens, use_cache, on_curve=True)


@pytest.mark.parametrize("use_cache", [True, False], ids=["cache", "no cache"])
def test_sampling_the_papers_clip(measured, use_cache):
    """1,280 tokens by a prior in which arithmetic, not the calls' overhead, takes the time."""
    larger = PARAMS.generator.model_copy(update={"layers": 6, "heads": 8, "width": 256})
    _sampled(measured, "larger", larger, 1280, use_cache, on_curve=False)


def _sampled(measured, name, settings, tokens, use_cache, on_curve):
    kind = "cache" if use_cache else "no cache"
    layout = TokenLayout((TokenGroup("all", tokens, ((0, 256),)),))
    config = PriorConfig(settings.layers, settings.heads, settings.width, 1, settings.label_dropout, layout)
    prior = Prior(config, torch.Generator().manual_seed(0)).eval()
    plain = PARAMS.sampling.candidates[0].model_copy(update={"guidance": 1.0})
    drawn = measured(
        f"sample, {kind}",
        lambda: sample(prior, torch.zeros(1).long(), plain, torch.Generator().manual_seed(0), use_cache),
        at=f"{name} prior, 1 clip of {tokens} tokens",
        items=tokens,
        unit="tokens",
        rounds=1,
        tokens=tokens,
        **({"curve": f"sampling, {kind}", "x": tokens} if on_curve else {}),
    )
    assert drawn.shape == (1, tokens)
