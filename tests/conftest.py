"""What the tests of models and of training share."""

import importlib.util
from pathlib import Path

import pytest
import torch

from sweettok.language.codebook import Codebook
from sweettok.params import Tokenizer


@pytest.fixture(scope="session")
def tokenizer_of():
    """overrides -> Tokenizer params at 4 + 16 tokens for 9 frames of 16 x 16."""

    def make(**overrides):
        settings = {
            "architecture": "decoupled", "width": 24, "heads": 2, "expansion": 2, "spatial_depth": 1,
            "temporal_depth": 1,
            "spatial_tokens": 4, "temporal_tokens": 16, "temporal_queries": "per_location", "residual": "first_frame",
            "code_dim": 4, "quantizer": "language", "words": "by_part_of_speech", "lookup": "union", "commitment": 0.25,
            "usage_entropy": 0.1, "decoder_start": "proxy", "seed": 0,
        }  # fmt: skip
        return Tokenizer(**(settings | overrides))

    return make


@pytest.fixture(scope="session")
def codebook_of():
    """words, their parts of speech, edges (E, 2), edge counts (E,), generator and width of the vectors -> Codebook."""

    def make(words, part_of_speech, edges, edge_counts, generator, width=24):
        return Codebook(
            words=words,
            part_of_speech=part_of_speech,
            vectors=torch.nn.functional.normalize(torch.randn(len(words), width, generator=generator), dim=-1),
            counts=torch.ones(len(words), dtype=torch.int64),
            edges=edges,
            edge_counts=edge_counts,
            provider="drawn",
            fingerprint="0" * 64,
            min_count=dict.fromkeys(part_of_speech, 1),
            max_words=None,
            captions=30,
        )

    return make


@pytest.fixture(scope="session")
def vocabulary_of(codebook_of):
    """Number of words of each part of speech, width of the vectors -> Codebook; each word is an edge's end if it can."""

    def make(adjective, noun, adverb, verb, width=24):
        sizes = {"adjective": adjective, "noun": noun, "adverb": adverb, "verb": verb}
        part_of_speech = [part for part, count in sizes.items() for _ in range(count)]
        starts = dict(zip(sizes, [0, adjective, adjective + noun, adjective + noun + adverb], strict=True))
        edges = [
            (starts[first] + place, starts[second] + place)
            for first, second in (("adjective", "noun"), ("adverb", "verb"))
            for place in range(min(sizes[first], sizes[second]))
        ]
        words = [f"{part}{place}" for place, part in enumerate(part_of_speech)]
        ones = torch.ones(len(edges), dtype=torch.int64)
        return codebook_of(words, part_of_speech, torch.tensor(edges), ones, torch.Generator().manual_seed(0), width)

    return make


@pytest.fixture(scope="session")
def paper_words():
    """Vocabulary sizes of the authors' code (PAPER.md 1): 10,481 spatial and 11,139 temporal words."""
    return {"adjective": 5078, "noun": 5403, "adverb": 1872, "verb": 9267}


@pytest.fixture(scope="session")
def plain_tokenizer():
    """The module tests/plain_tokenizer.py: encode and decode as one would write them down first."""
    spec = importlib.util.spec_from_file_location("plain_tokenizer", Path(__file__).parent / "plain_tokenizer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
