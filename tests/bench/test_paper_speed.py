"""Encode and decode one clip at the paper's size (profiles/ucf101.yaml) with random weights, by both kinds of temporal
queries (all that read everything, one a patch that reads its patch alone), in fp32 and in bf16; at 128x128 also by
tests/plain_tokenizer.py."""

from pathlib import Path

import pytest
import torch

from sweettok.api.model import SweetTok
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import load_params

pytestmark = pytest.mark.slow
NAMES = {torch.float32: "fp32", torch.bfloat16: "bf16"}
PAPER = load_params(Path(__file__).parents[2] / "profiles" / "ucf101.yaml")


@pytest.fixture(scope="module", params=["global", "per_location"])
def queries(request):
    return request.param


@pytest.fixture(scope="module")
def build(vocabulary_of, paper_words):
    codebook = vocabulary_of(**paper_words, width=512)

    def make(size, **overrides):
        settings = PAPER.tokenizer.model_copy(update=overrides)
        torch.manual_seed(0)
        model = VideoTokenizer(settings, PAPER.patches, PAPER.proxy, (PAPER.data.frames, size), codebook)
        return model.eval().requires_grad_(False)

    return make


@pytest.fixture(scope="module", params=[torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def dtype(request):
    return request.param


@pytest.fixture(scope="module")
def model(build, queries, dtype):
    return SweetTok(build(PAPER.data.size, temporal_queries=queries), dtype=dtype, model_id="random weights")


def random_clip(size):
    return torch.rand(1, 3, PAPER.data.frames, size, size) * 2 - 1


@pytest.fixture(scope="module")
def clip():
    return random_clip(PAPER.data.size)


@pytest.fixture
def facts(model, queries, dtype):
    name = NAMES[dtype]
    weights = sum(p.numel() * p.element_size() for p in model.model.parameters())
    about = {"at": f"paper, {queries} queries, {name}", "paper": f"{queries} queries, {name}", "dtype": name}
    return about | {"items": 1, "rounds": 3, "operations": True, "weights_mb": 1e-6 * weights}


def test_paper_encode(measured, model, clip, facts):
    model.encode(clip)  # caches the codes
    assert measured("encode", lambda: model.encode(clip), **facts).shape == (1, 256 + 1024)


def test_paper_decode(measured, model, clip, facts):
    tokens = model.encode(clip)
    assert measured("decode", lambda: model.decode(tokens), **facts).shape == clip.shape


@pytest.mark.parametrize("written", ["ours", "ours, bf16", "plain"])
def test_128(measured, build, plain_tokenizer, written):
    """17x128x128: a quarter of the patches, and of the tokens."""
    sizes, clip = {"spatial_tokens": 64, "temporal_tokens": 256}, random_clip(128)
    model = build(128, **sizes)
    ways = {
        "ours": model.reconstruct,
        "ours, bf16": SweetTok(build(128, **sizes), dtype=torch.bfloat16, model_id="random weights").reconstruct,
        "plain": lambda clip: plain_tokenizer.decode(model, plain_tokenizer.encode(model, clip)),
    }
    with torch.no_grad():
        result = measured(
            f"reconstruct, {written}", lambda: ways[written](clip), at="17x128x128", items=17, unit="frames", rounds=3
        )
    # Rounding may choose the other of two equally near words, in bf16 often.
    assert (result - model.reconstruct(clip)).abs().mean() < (0.2 if "bf16" in written else 1e-2)
