"""The profiles: their headers, their geometry, and that the paper's sizes give the paper's tokens and bits."""

import math
from pathlib import Path

import pytest
import torch

from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.metrics.reconstruction import code_size
from sweettok.models import tokenizer as tokenizer_module
from sweettok.models.dqae import ARCHITECTURES
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.quantizers import build_quantizers
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Tokenizer, load_params
from sweettok.params.overrides import has_base
from sweettok.tokenizers.proxy import Proxy

ROOT = Path(__file__).parents[1]
PROFILES = {path.stem: path for path in sorted((ROOT / "profiles").glob("*.yaml"))}
SMALL, PAPER = ("weizmann", "atari", "cctv"), ("ucf101", "k600", "imagenet")


@pytest.fixture(scope="module")
def paper_codebook(vocabulary_of, paper_words):
    """As many words as the paper has, with drawn vectors."""
    return vocabulary_of(**paper_words)


@pytest.fixture
def meta_tokenizer(paper_codebook, monkeypatch):
    """profile -> its params and its tokenizer without memory for weights (but for the words, which are looked at)."""

    def quantizers_on_cpu(*arguments):
        with torch.device("cpu"):
            return build_quantizers(*arguments)

    monkeypatch.setattr(tokenizer_module, "build_quantizers", quantizers_on_cpu)

    def make(name, **overrides):
        params = load_params(PROFILES[name])
        tokenizer = Tokenizer.model_validate(params.tokenizer.model_dump() | overrides)
        with torch.device("meta"):
            clip = params.data.frames, params.data.size
            model = VideoTokenizer(tokenizer, params.patches, params.proxy, clip, paper_codebook)
        return params, model

    return make


def test_all_profiles_that_the_project_promises_are_there():
    assert set(PROFILES) >= {"smoke", "gpu", *SMALL, *PAPER}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_named_by_its_file_and_reports_in_its_own_folder(name):
    params = load_params(PROFILES[name])
    assert params.profile == name
    assert params.report.folder == ("reports" if name == "sprites" else f"reports/{name}")  # where readers look first


def test_the_params_are_the_default_profile():
    """What is committed; after a change of the one, `sweettok profile sprites` writes the other."""
    assert (ROOT / "params.yaml").read_text() == PROFILES["sprites"].read_text()


def test_the_default_alone_is_complete():
    """So a new key is written to one profile."""
    assert [name for name, path in PROFILES.items() if not has_base(path)] == ["sprites"]


@pytest.mark.parametrize("name", PROFILES)
def test_the_first_comments_say_how_to_run_it_and_what_to_expect(name):
    text = PROFILES[name].read_text()
    header = " ".join(line.removeprefix("# ") for line in text[: text.index("\nprofile: ")].splitlines()).lower()
    assert "command: " in header and "expect" in header
    assert any(word in header for word in ("minutes", "time not measured"))


@pytest.mark.parametrize("name", SMALL)
def test_small_profiles_have_the_default_models_on_the_same_grid(name):
    default, params = load_params(PROFILES["sprites"]), load_params(PROFILES[name])
    assert params.tokenizer == default.tokenizer
    proxy, of_default = (each.proxy.model_dump(exclude={"optimiser"}) for each in (params, default))
    assert proxy == of_default  # trained for longer or shorter
    grids = [(p.data.size // p.patches.spatial, (p.data.frames - 1) // p.patches.temporal) for p in (default, params)]
    assert grids == [(8, 4), (8, 4)]
    words = params.codebook.max_words
    assert words.adjective + words.noun == words.adverb + words.verb == 256  # 8 bits a token


@pytest.mark.parametrize("variant", load_params(PROFILES["gpu"]).ablation.matrix.variants)
def test_every_cell_of_the_gpu_profile_has_its_tokens(variant, meta_tokenizer):
    params, model = meta_tokenizer("gpu", **load_params(PROFILES["gpu"]).ablation.variants[variant].tokenizer)
    assert params.ablation.variants == load_params(PROFILES["sprites"]).ablation.variants
    spatial, temporal = model.backbone.encode(model.features(torch.empty(2, 3, 17, 64, 64, device="meta")))
    assert spatial.shape == (2, 64, 256) and temporal.shape == (2, 256, 256)
    assert model.backbone.decode(spatial, temporal, 5).shape == (2, 256, 5, 16, 16)
    assert model.logits(spatial, temporal, 5).shape == (2, 5, 16 * 16, sum(params.proxy.levels))


@pytest.mark.parametrize("path", PROFILES.values(), ids=lambda path: path.stem)
def test_every_cell_of_a_profile_lies_on_its_grid(path):
    """Its tokens, in any architecture that its ablation trains."""
    params = load_params(path)
    side, later = params.data.size // params.patches.spatial, (params.data.frames - 1) // params.patches.temporal
    for variant in params.ablation.matrix.variants:
        changes = params.ablation.variants[variant].tokenizer
        tokenizer = Tokenizer.model_validate(params.tokenizer.model_dump() | changes)
        with torch.device("meta"):
            ARCHITECTURES[tokenizer.architecture](tokenizer, params.proxy.width, 1 + later, side)


@pytest.mark.parametrize("name", ["ucf101", "k600"])
def test_the_papers_video_profiles_have_its_tokens_and_bits(name, meta_tokenizer):
    params, model = meta_tokenizer(name)
    size = code_size(model)
    assert size["tokens"] == size["indices"] == 256 + 1024
    assert size["bits"] == pytest.approx(17185, abs=1)  # docs/paper.md, C11
    clip = torch.empty(2, 3, 17, 256, 256, device="meta")
    spatial, temporal = model.backbone.encode(model.features(clip))
    assert spatial.shape == (2, 256, 512) and temporal.shape == (2, 1024, 512)
    assert model.logits(spatial, temporal, 5).shape == (2, 5, 32 * 32, 8 + 8 + 8 + 4 + 4)


def test_the_authors_lookup_has_their_indices_and_bits(meta_tokenizer):
    """docs/paper.md, C11: three indices a token, 3,840 of them, about 45,000 bits."""
    params, model = meta_tokenizer("ucf101", lookup="composed")
    size = code_size(model)
    assert size["tokens"] == 1280 and size["indices"] == 768 + 3072
    assert size["bits"] == pytest.approx(45000, rel=0.01)


def size_of(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_papers_tokenizer_has_the_parameters_of_its_layers(meta_tokenizer):
    """Width 512, 8 heads, 8 spatial and 4 temporal layers (docs/paper.md, Curriculum), counted from a layer's parts.

    Grids: 32 x 32 patches, 16 x 16 spatial tokens, 16 x 16 temporal ones in each of 4 later latent frames.
    """
    params, model = meta_tokenizer("ucf101")
    d, settings, proxy = 512, params.tokenizer, params.proxy
    assert (settings.width, settings.heads) == (d, 8)
    assert (settings.spatial_depth, settings.temporal_depth, settings.expansion) == (8, 4, 2)
    assert (settings.encoder_blocks, settings.decoder_blocks) == (2, 2)
    assert (settings.spatial_tokens, settings.temporal_tokens) == (16 * 16, 32 * 32)
    assert proxy.width == d and sum(proxy.levels) == 32

    attention, feed, norm = 4 * d * d + d, 4 * d * d + 2 * d + d, 2 * d  # query, key, value; out, which has a bias
    alone = attention + feed + 3 * norm  # of queries that read but do not see each other: norms of both, and the feed's
    layer = alone + attention + norm
    image_block = norm + (9 * d * d + d) + (d * d + d)  # over 3 x 3 patches, then within a frame
    causal_block = image_block + d * d  # then over two frames
    linear = d * d + d
    encoders = 2 * linear + (256 + 1024) * d  # patches and residuals to the width; queries of both kinds
    encoders += (4 * d * d + d) + 2 * image_block  # of 2 x 2 patches
    encoders += (4 * 2 * d * d + d) + 2 * image_block  # of a patch in the first frame and its 4 residuals
    encoders += 8 * layer + 4 * layer + 2 * norm  # temporal queries are global; each stack ends in a norm
    decoders = 2 * image_block + 2 * (4 * d * d + d)  # a token to 2 x 2 patches, or to a patch of 4 frames
    decoders += 8 * alone + 4 * alone + 2 * norm
    decoders += 2 * causal_block + norm
    assert size_of(model.backbone) == encoders + decoders
    assert size_of(model.to_logits) == (d + 1) * 32

    pixels = 3 * 8 * 8
    embed = (4 * pixels + 1) * d  # the first frame counts as 4 frames alike
    assert size_of(model.features) == embed + proxy.encoder_blocks * causal_block
    to_pixels = (d + 1) * pixels + (d + 1) * 4 * pixels
    expand = (5 + 1) * d
    assert size_of(model.pixel_decoder) == expand + proxy.decoder_blocks * causal_block + to_pixels
    parts = ("backbone", "features", "pixel_decoder", "to_logits", "quantizers")
    assert size_of(model) == sum(size_of(getattr(model, part)) for part in parts)


def test_the_papers_image_profile_has_spatial_tokens_alone(meta_tokenizer):
    params, model = meta_tokenizer("imagenet")
    size = code_size(model)
    assert size["tokens"] == 256 and size["bits"] == pytest.approx(256 * 13.3555, abs=0.1)  # log2(10481) = 13.3555
    spatial, temporal = model.backbone.encode(model.features(torch.empty(2, 3, 1, 256, 256, device="meta")))
    assert spatial.shape == (2, 256, 512) and temporal is None


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_proxy_codes_every_patch(name):
    params = load_params(PROFILES[name])
    with torch.device("meta"):
        proxy = ProxyTokenizer(params.proxy, params.patches)
    tokenizer = Proxy("proxy", params.data.frames, params.data.size, proxy, "")
    assert math.prod(tokenizer.latent) == (5120 if params.data.frames == 17 else 1024)
    assert tokenizer.bits_per_clip == 13 * math.prod(tokenizer.latent) and proxy.proxy.levels == (8, 8, 8, 4, 4)


def test_the_papers_prior_has_the_papers_size(meta_tokenizer):
    params, model = meta_tokenizer("ucf101")
    settings = params.generator
    with torch.device("meta"):
        config = PriorConfig(
            settings.layers, settings.heads, settings.width, 101, settings.label_dropout, layout_of(model)
        )
        prior = Prior(config)
    assert config.layout.length == 1280 and config.layout.vocabulary == 10481 + 11139
    assert prior.parameter_count(embeddings=False) == pytest.approx(680e6, rel=0.01)


@pytest.mark.parametrize("name", PROFILES)
def test_the_priors_to_compare_grow_from_size_to_size(name, meta_tokenizer):
    """And those of the paper are its 650M and 1.9B (T2)."""
    params, model = meta_tokenizer(name)
    counts = {}
    for size, settings in params.prior_scaling.sizes.items():
        with torch.device("meta"):
            config = PriorConfig(settings.layers, settings.heads, settings.width, 101, 0.1, layout_of(model))
            counts[size] = Prior(config).parameter_count(embeddings=False)
    assert len(counts) >= 2 and list(counts.values()) == sorted(counts.values())
    if name in PAPER:
        assert counts["paper_1900m"] == pytest.approx(1.9e9, rel=0.02)
        assert params.prior_scaling.sizes["paper_650m"].model_dump().items() <= params.generator.model_dump().items()
