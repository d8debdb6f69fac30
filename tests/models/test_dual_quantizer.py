"""Two codebooks with one index: which word a token becomes, what of it is learned, what is folded away."""

import pytest
import torch
from quantizer_kinds import latents


def test_the_index_is_of_the_least_sum_of_both_distances(quantizers_of):
    quantizer = quantizers_of(quantizer="dual")["spatial"]
    with torch.no_grad():
        latent, codes, indices = (
            quantizer.to_code(latents(16, seed=3)),
            quantizer.codes(),
            quantizer(latents(16, 3)).indices,
        )
        semantic, pixel = (
            torch.cdist(of_tokens, of_words.expand(16, -1, -1)).square()
            for of_tokens, of_words in zip(latent.chunk(2, dim=-1), codes.chunk(2, dim=-1), strict=True)
        )
    assert torch.equal((semantic + pixel).argmin(-1), indices)
    assert not torch.equal(semantic.argmin(-1), indices) and not torch.equal(pixel.argmin(-1), indices)
    assert quantizer.code_vectors(indices).shape == (16, 4, 4)


def test_pixel_codes_follow_the_tokens_they_stand_for(quantizers_of):
    """Meaning is the words': their vectors are frozen."""
    quantizer = quantizers_of(quantizer="dual", usage_entropy=0.0)["spatial"].train()
    quantized = quantizer(latents(4, seed=3))
    quantized.loss.backward()
    used = torch.zeros(quantizer.size, dtype=torch.bool)
    used[quantized.indices.unique()] = True
    assert torch.equal(quantizer.pixel_codes.grad.any(-1), used) and not used.all()
    assert not quantizer.vectors.requires_grad and quantizer.skip_out.weight.grad.any()


def test_the_graph_convolution_alone_is_folded_away(quantizers_of):
    dual, language = quantizers_of(quantizer="dual")["spatial"], quantizers_of(code_dim=2)["spatial"]
    assert dual.folded_parameters == language.folded_parameters and dual.words == language.words


@pytest.mark.parametrize("overrides", [{"lookup": "composed"}, {"code_dim": 5}])
def test_what_cannot_have_two_codes(quantizers_of, overrides):
    with pytest.raises(ValueError, match="union and an even"):
        quantizers_of(quantizer="dual", **overrides)
