"""What the tests of models and of training share."""

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
    """words, their parts of speech, edges (E, 2), edge counts (E,), generator of the vectors -> Codebook."""

    def make(words, part_of_speech, edges, edge_counts, generator):
        return Codebook(
            words=words,
            part_of_speech=part_of_speech,
            vectors=torch.nn.functional.normalize(torch.randn(len(words), 24, generator=generator), dim=-1),
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
