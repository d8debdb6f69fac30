"""Speed at the default size with random weights (`make bench`); in the test suite each runs once, untimed."""

from pathlib import Path

import pytest
import torch

from sweettok.language.codebook import build_codebook
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import PerPart, load_params

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
BATCH = 8


@pytest.fixture(scope="module")
def tokenizer() -> VideoTokenizer:
    captions = [
        f"a {a} {n} {v} {r}"
        for a in ("red", "tiny", "dark")
        for n in ("ball", "star")
        for v, r in (("slides", "slowly"), ("spins", "quickly"))
    ]
    every_word = PerPart(adjective=1, noun=1, adverb=1, verb=1)
    settings = PARAMS.codebook.model_copy(update={"provider": "hashed", "min_count": every_word})
    codebook = build_codebook(captions, settings)
    torch.manual_seed(0)
    clip = (PARAMS.data.frames, PARAMS.data.size)
    return VideoTokenizer(PARAMS.tokenizer, PARAMS.patches, PARAMS.proxy, clip, codebook).eval()


@pytest.fixture(scope="module")
def clip() -> torch.Tensor:
    size = PARAMS.data.size
    return torch.rand(BATCH, 3, PARAMS.data.frames, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_encode(benchmark, tokenizer, clip):
    assert benchmark(tokenizer.encode, clip).shape == (BATCH, sum(tokenizer.groups.values()))


def test_decode(benchmark, tokenizer, clip):
    assert benchmark(tokenizer.decode, tokenizer.encode(clip)).shape == clip.shape


def test_joint_training_step(benchmark, tokenizer, clip):
    def step():
        tokenizer.train()
        coded, logits = tokenizer(clip)
        (logits.logsumexp(-1).mean() + coded.loss).backward()
        return logits

    logits = benchmark(step)
    tokenizer.zero_grad()
    tokenizer.eval()
    assert logits.isfinite().all()


def test_proxy_training_step(benchmark, clip):
    proxy = ProxyTokenizer(PARAMS.proxy, PARAMS.patches)

    def step():
        reconstruction, quantized = proxy(clip)
        (reconstruction.pow(2).mean() + quantized.loss).backward()
        return reconstruction

    assert benchmark(step).shape == clip.shape
