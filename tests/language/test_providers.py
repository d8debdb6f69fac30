from typing import get_args

import pytest
import torch

from sweettok.errors import InputError
from sweettok.language.providers import PROVIDERS, open_word_vectors
from sweettok.language.tagging import tag_captions
from sweettok.params import Codebook

WORDS = ["red", "crimson", "quickly", "swiftly", "a much longer phrase of many words", "ball"]
CAPTIONS = ["a red ball", "a crimson ball", "a red cube", "a ball rolls quickly", "a cube rolls swiftly"]


@pytest.fixture(params=PROVIDERS)
def opened_twice(request):
    """(name, the same provider opened two times), those with weights from tiny random models."""
    folders = {"clip": "tiny_clip", "qwen": "tiny_qwen", "transformers": "tiny_t5"}
    folder = request.getfixturevalue(folders[request.param]) if request.param in folders else None
    return request.param, [open_word_vectors(request.param, folder).learn(tag_captions(CAPTIONS)) for _ in range(2)]


def test_vectors_are_unit_length_and_repeatable(opened_twice):
    name, (provider, again) = opened_twice
    vectors = provider.embed(WORDS)
    assert vectors.dtype == torch.float32 and vectors.shape == (len(WORDS), provider.dim)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(len(WORDS)))
    assert torch.equal(vectors, again.embed(WORDS))
    assert provider.embed([]).shape == (0, provider.dim)
    assert provider.name == name and provider.fingerprint == again.fingerprint and len(provider.fingerprint) == 64


def test_params_know_every_provider():
    assert set(get_args(Codebook.model_fields["provider"].annotation)) == set(PROVIDERS)


def test_unknown_provider_is_refused():
    with pytest.raises(InputError, match="'word2vec' .*minilm, clip, qwen"):
        open_word_vectors("word2vec")
