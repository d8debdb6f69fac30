"""Encode and decode one clip at the paper's size (profiles/ucf101.yaml) with random weights, by both kinds of temporal
queries: all that read everything, and one a cell that reads its cell alone."""

from pathlib import Path

import pytest
import torch

from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import load_params

pytestmark = pytest.mark.slow
PAPER = load_params(Path(__file__).parents[2] / "profiles" / "ucf101.yaml")


@pytest.fixture(scope="module", params=["global", "per_location"])
def queries(request):
    return request.param


@pytest.fixture(scope="module")
def model(queries, vocabulary_of, paper_words):
    settings = PAPER.tokenizer.model_copy(update={"temporal_queries": queries})
    codebook, clip = vocabulary_of(**paper_words, width=512), (PAPER.data.frames, PAPER.data.size)
    torch.manual_seed(0)
    return VideoTokenizer(settings, PAPER.patches, PAPER.proxy, clip, codebook).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def clip():
    return torch.rand(1, 3, PAPER.data.frames, PAPER.data.size, PAPER.data.size) * 2 - 1


@pytest.fixture
def facts(model, queries):
    weights = sum(p.numel() for p in model.parameters())
    return {
        "at": f"paper, {queries} queries",
        "items": 1,
        "rounds": 2,
        "operations": True,
        "weights_mb": 4e-6 * weights,
    }


def test_paper_encode(measured, model, clip, facts):
    model.encode(clip)  # caches the codes
    assert measured("encode", lambda: model.encode(clip), **facts).shape == (1, 256 + 1024)


def test_paper_decode(measured, model, clip, facts):
    tokens = model.encode(clip)
    assert measured("decode", lambda: model.decode(tokens), **facts).shape == clip.shape
