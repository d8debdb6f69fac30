"""What quantisers share: the range of indices, and scores in chunks of tokens that bound the memory."""

import pytest
import torch
from quantizer_kinds import KINDS, latents

from sweettok.models.quantized import SCORES_AT_ONCE
from sweettok.models.quantizers import PARTS_OF_SPEECH, build_quantizers

WORDS, TOKENS = 2000, 1024  # of each group: scores of all tokens with all words would be 8 MB


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("index", [-1, 10_000])
def test_index_outside_the_vocabulary(quantizers_of, kind, index):
    quantizer = quantizers_of(**KINDS[kind])["spatial"]
    shape = (1, 4) if len(quantizer.slots) == 1 else (1, 4, len(quantizer.slots))
    with pytest.raises(ValueError, match=rf"\[0, \d+\).*{index}"):
        quantizer.lookup(torch.full(shape, index))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scores", [1, 40, 19 * 7])
def test_chunks_of_tokens_find_the_same_words(quantizers_of, monkeypatch, kind, scores):
    """Down to one token at a time, which is also what remains where a word list alone exceeds the limit."""
    quantizer, z = quantizers_of(**KINDS[kind])["spatial"], latents(16, seed=3)
    with torch.no_grad():
        whole = quantizer(z)
        monkeypatch.setattr("sweettok.models.quantized.SCORES_AT_ONCE", scores)
        chunked = quantizer(z)
    assert torch.equal(whole.indices, chunked.indices) and torch.equal(whole.z_q, chunked.z_q)
    assert whole.usage == chunked.usage


def test_chunks_of_tokens_have_the_same_loss_and_gradients(quantizers_of, monkeypatch):
    quantizer, results = quantizers_of(usage_entropy=1.0)["spatial"].train(), []
    quantizer.to_code._update = lambda latent: None
    for scores in (SCORES_AT_ONCE, 19 * 7):
        monkeypatch.setattr("sweettok.models.quantized.SCORES_AT_ONCE", scores)
        quantizer.zero_grad()
        z = latents(16, seed=3).requires_grad_()
        quantized = quantizer(z)
        (quantized.loss + quantized.z_q.sum()).backward()
        results.append([quantized.loss.detach(), z.grad, *(p.grad.clone() for p in quantizer.parameters())])
    assert len(results[0]) > 5 and results[0][1].any()
    for whole, chunked in zip(*results, strict=True):
        assert torch.allclose(whole, chunked, atol=1e-6, rtol=1e-5)


@pytest.fixture(scope="module")
def long_codebook(codebook_of):
    parts = [part for pair in PARTS_OF_SPEECH.values() for part in pair for _ in range(WORDS // 2)]
    edges = torch.tensor([[0, WORDS - 1], [WORDS, 2 * WORDS - 1]])
    generator = torch.Generator().manual_seed(0)
    return codebook_of([f"word{place}" for place in range(2 * WORDS)], parts, edges, torch.ones(2).long(), generator)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", ["union", "composed", "learned"])
def test_memory_does_not_grow_with_words_times_tokens(
    long_codebook, tokenizer_of, monkeypatch, largest_storage, kind, training
):
    if kind == "learned" and training:
        pytest.skip("the learned codes' statistics need the whole batch at once")
    torch.manual_seed(0)
    quantizer = build_quantizers(tokenizer_of(**KINDS[kind]), long_codebook)["spatial"].train(training)

    def run():
        quantized = quantizer(latents(TOKENS // 4))
        if training:
            (quantized.loss + quantized.z_q.sum()).backward()

    run()  # learned codes start from the first batch
    with largest_storage() as whole:
        run()
    monkeypatch.setattr("sweettok.models.quantized.SCORES_AT_ONCE", 16 * WORDS)
    with largest_storage() as chunked:
        run()
    tables = 4 * WORDS * 64  # the widest table of words, in bytes: the graph convolution's hidden layer
    assert max(whole) >= 4 * TOKENS * WORDS // 2
    assert max(chunked) <= max(tables, 4 * 16 * WORDS)
