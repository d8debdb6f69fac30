"""The profiles: their headers, their geometry, and that the paper's sizes give the paper's tokens and bits."""

from pathlib import Path

import pytest
import torch

from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.metrics.reconstruction import size_of_code, size_of_proxy_code
from sweettok.models import tokenizer as tokenizer_module
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.quantizers import build_quantizers
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Tokenizer, load_params

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
    assert params.profile == name and params.report.folder == f"reports/{name}"


def test_the_default_reports_where_readers_look():
    assert load_params(ROOT / "params.yaml").report.folder == "reports"


@pytest.mark.parametrize("name", PROFILES)
def test_the_first_comments_say_how_to_run_it_and_what_to_expect(name):
    text = PROFILES[name].read_text()
    header = " ".join(line.removeprefix("# ") for line in text[: text.index("profile: ")].splitlines()).lower()
    assert "command: " in header and "expect" in header
    assert any(word in header for word in ("minutes", "time not measured"))


@pytest.mark.parametrize("name", SMALL)
def test_small_profiles_have_the_default_models_on_the_same_grid(name):
    default, params = load_params(ROOT / "params.yaml"), load_params(PROFILES[name])
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
    assert params.ablation.variants == load_params(ROOT / "params.yaml").ablation.variants
    spatial, temporal = model.backbone.encode(torch.empty(2, 3, 17, 64, 64, device="meta"))
    assert spatial.shape == (2, 64, 256) and temporal.shape == (2, 256, 256)
    assert model.backbone.decode(spatial, temporal, 5).shape == (2, 5, 16 * 16, 256)


@pytest.mark.parametrize("name", ["ucf101", "k600"])
def test_the_papers_video_profiles_have_its_tokens_and_bits(name, meta_tokenizer):
    params, model = meta_tokenizer(name)
    size = size_of_code(model)
    assert size["tokens"] == size["indices"] == 256 + 1024
    assert size["bits"] == pytest.approx(17185, abs=1)  # PAPER.md C11
    clip = torch.empty(2, 3, 17, 256, 256, device="meta")
    spatial, temporal = model.backbone.encode(clip)
    assert spatial.shape == (2, 256, 512) and temporal.shape == (2, 1024, 512)
    assert model.backbone.decode(spatial, temporal, 5).shape == (2, 5, 32 * 32, 512)


def test_the_authors_lookup_has_their_indices_and_bits(meta_tokenizer):
    """PAPER.md C11: three indices a token, 3,840 of them, about 45,000 bits."""
    params, model = meta_tokenizer("ucf101", lookup="composed")
    size = size_of_code(model)
    assert size["tokens"] == 1280 and size["indices"] == 768 + 3072
    assert size["bits"] == pytest.approx(45000, rel=0.01)


def test_the_papers_tokenizer_has_the_parameters_of_its_layers(meta_tokenizer):
    """Width 512, 8 heads, 8 spatial and 4 temporal layers (PAPER.md 1), counted from what a layer consists of."""
    params, model = meta_tokenizer("ucf101")
    d, settings = 512, params.tokenizer
    assert (settings.width, settings.heads) == (d, 8)
    assert (settings.spatial_depth, settings.temporal_depth, settings.expansion) == (8, 4, 4)
    attention = 4 * d * d + d  # query, key, value; out, which has a bias
    reading = 6 * d * d + d  # and the two of places
    feed = 8 * d * d + 4 * d + d
    layer = 2 * attention + reading + 3 * feed + 7 * 2 * d
    stacks = 2 * (8 * layer + 2 * d) + 2 * (4 * layer + 2 * d)  # spatial and temporal encoders, and decoders
    pixels = 3 * 8 * 8
    others = (
        (pixels + 1) * d + (4 * pixels + 1) * d + (256 + 1024 + 1) * d
    )  # embeddings; queries of both kinds, and patch
    assert sum(p.numel() for p in model.backbone.parameters()) == stacks + others
    assert sum(p.numel() for p in model.to_logits.parameters()) == (d + 1) * 8192
    assert model.proxy_codes.shape == (8192, 8)
    block = 2 * attention + feed + 3 * 2 * d
    to_pixels = (d + 1) * pixels + (d + 1) * 4 * pixels
    assert sum(p.numel() for p in model.pixel_decoder.parameters()) == 9 * d + 4 * block + 2 * d + to_pixels
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(262.4e6, rel=1e-3)


def test_the_papers_image_profile_has_spatial_tokens_alone(meta_tokenizer):
    params, model = meta_tokenizer("imagenet")
    size = size_of_code(model)
    assert size["tokens"] == 256 and size["bits"] == pytest.approx(256 * 13.3555, abs=0.1)  # log2(10481) = 13.3555
    spatial, temporal = model.backbone.encode(torch.empty(2, 3, 1, 256, 256, device="meta"))
    assert spatial.shape == (2, 256, 512) and temporal is None


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_proxy_codes_every_patch(name):
    params = load_params(PROFILES[name])
    with torch.device("meta"):
        proxy = ProxyTokenizer(params.proxy, params.patches)
    size = size_of_proxy_code(proxy, params.data.frames, params.data.size)
    assert size["tokens"] == (5120 if params.data.frames == 17 else 1024)
    assert size["bits"] == 13 * size["tokens"] and proxy.proxy.code_dim == 8


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
