"""Which quantisers a tokenizer gets, and what holds for each kind: one function in training, evaluation and lookup."""

import copy
import math

import pytest
import torch
from quantizer_kinds import KINDS, LEARNED, latents

from sweettok.models.quantizers import PARTS_OF_SPEECH, WORDLESS

WITHOUT_WORDS = ("learned", *WORDLESS)


def test_groups_have_their_own_words(quantizers_of, codebook):
    for group, parts in PARTS_OF_SPEECH.items():
        wanted = [w for w, part in zip(codebook.words, codebook.part_of_speech, strict=True) if part in parts]
        assert quantizers_of()[group].words == wanted
    assert quantizers_of(words="all")["spatial"].words == quantizers_of(words="all")["temporal"].words == codebook.words
    shuffled = quantizers_of(words="shuffled")
    assert shuffled["spatial"].words != quantizers_of()["spatial"].words
    assert sorted(shuffled["spatial"].words + shuffled["temporal"].words) == sorted(codebook.words)


@pytest.mark.parametrize("words", ["by_part_of_speech", "all", "shuffled"])
def test_learned_codebooks_are_as_large_as_those_of_words(quantizers_of, words):
    learned, language = quantizers_of(quantizer="learned", words=words), quantizers_of(words=words)
    assert [learned[group].size for group in PARTS_OF_SPEECH] == [language[group].size for group in PARTS_OF_SPEECH]


@pytest.mark.parametrize("kind", WORDLESS)
def test_codes_without_words_take_no_more_bits_than_words_do(quantizers_of, kind):
    """The test's codebooks have 19 and 15 words, the paper's 10,481 and 11,139: as near as each kind comes."""
    expected = {"fsq": (18, 15), "lfq": (16, 8), "bsq": (16, 8), "residual": (16, 15), "factorised": (16, 15)}
    quantizers = quantizers_of(**KINDS[kind])
    codes = [math.prod(count for _, count in quantizers[group].slots) for group in PARTS_OF_SPEECH]
    assert tuple(codes) == expected[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_lookup_is_the_inverse_of_forward(quantizers_of, kind):
    quantizer = quantizers_of(**KINDS[kind])["spatial"]
    with torch.no_grad():
        quantized = quantizer(latents(8, seed=7))
        assert quantized.z_q.shape == (8, 4, 24) and quantized.indices.dtype == torch.int64
        indices = len(quantizer.slots)
        assert quantized.indices.shape == ((8, 4) if indices == 1 else (8, 4, indices))
        assert indices == (3 if "composed" in kind else 2 if kind in ("residual", "factorised") else 1)
        assert torch.equal(quantizer.lookup(quantized.indices), quantized.z_q)
        assert quantized.usage == len(quantized.indices.unique()) / quantizer.size


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in LEARNED])
def test_train_and_eval_mode_see_the_same_function(quantizers_of, kind):
    """A step's statistics give the same words in eval mode; straight-through has the value of the lookup."""
    quantizer = quantizers_of(**KINDS[kind])["spatial"].train()
    z = latents(64, seed=7)
    with torch.no_grad():
        trained = quantizer(z)
        evaluated = quantizer.eval()(z)
    assert torch.equal(evaluated.indices, trained.indices)
    assert torch.allclose(evaluated.z_q, trained.z_q, atol=1e-4)
    assert trained.loss.ndim == 0 == evaluated.loss and bool(trained.loss) == (kind != "fsq")


@pytest.mark.parametrize("kind", ["union", "composed", "dual", *WITHOUT_WORDS])
def test_gradient_passes_straight_through(quantizers_of, kind):
    """The gradient of the decoder's input reaches the latents as if there were no quantisation."""
    quantizer = quantizers_of(**KINDS[kind])["spatial"].train()
    z = latents(8, seed=4).requires_grad_()
    quantizer(z).z_q.square().sum().backward()
    assert z.grad.isfinite().all() and (z.grad.abs().sum(-1) > 0).float().mean() > 0.9


def test_straight_through_gradient_equals_that_of_the_latent(quantizers_of):
    quantizer, direction = quantizers_of()["spatial"].train(), latents(8, seed=5)
    z = latents(8, seed=4).requires_grad_()
    plain = copy.deepcopy(quantizer)
    (quantizer(z).z_q * direction).sum().backward()
    other = z.detach().clone().requires_grad_()
    (plain.project_out(plain.to_code(other)) * direction).sum().backward()
    assert torch.allclose(z.grad, other.grad, atol=1e-6)


@pytest.mark.parametrize("kind", ["union", "composed", "dual", *WITHOUT_WORDS])
def test_quantising_is_fp32_under_autocast(quantizers_of, kind):
    quantizer = quantizers_of(**KINDS[kind])["spatial"]
    z = latents(16, seed=3)
    with torch.no_grad():
        plain = quantizer(z)
        quantizer.train().eval()
        with torch.autocast("cpu", torch.bfloat16):
            cast = quantizer(z)
            looked_up = quantizer.lookup(cast.indices)
    assert cast.z_q.dtype == torch.float32 and torch.equal(plain.indices, cast.indices)
    assert looked_up.dtype == torch.float32 and torch.equal(looked_up, plain.z_q)
