"""The holistic peers (TiTok, LARP): what their tokens see, how many there are, and the prior that trains along."""

import math

import pytest
import torch
import torch.nn.functional as F

from sweettok.metrics.reconstruction import code_size
from sweettok.models import tokenizer as tokenizer_module
from sweettok.models.quantized import Quantized
from sweettok.models.quantizers import build_quantizers
from sweettok.models.token_prior import TokenPrior
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Patches

HOLISTIC = {"architecture": "holistic", "spatial_tokens": 3, "temporal_tokens": 7}


@pytest.fixture(scope="module")
def model(make_model):
    return make_model(**HOLISTIC)


def test_every_token_sees_every_frame_and_every_patch_every_token(model, clips):
    clip = clips(1)
    with torch.no_grad():
        z = model.backbone.encode(model.features(clip))
        shown = model.backbone.decode(*z, 5)
        for latent in range(5):
            other = clip.clone()
            other[:, :, 1 + 2 * (latent - 1) : 1 + 2 * latent] = 0.0
            for one, two in zip(z, model.backbone.encode(model.features(other)), strict=True):
                assert latent == 0 or ((one - two).abs().amax(-1) > 1e-6).all()
        for group in range(2):
            shift = torch.linspace(-1, 1, 24)  # norms take a common shift away
            moved = [part + shift if place == group else part for place, part in enumerate(z)]
            assert ((model.backbone.decode(*moved, 5) - shown).abs().amax(1) > 1e-6).all()


def test_an_image_has_the_first_tokens_alone(model, clips):
    image = clips(2)[:, :, :1]
    assert model.encode(image).shape == (2, 3) and model.encode(clips(2)).shape == (2, 10)
    assert model.decode(model.encode(image)).shape == image.shape


@pytest.mark.parametrize(
    "clip, spatial, temporal, codes, bits",
    [
        ((1, 256), 32, 4, 4096, 32 * 12),  # TiTok-L-32, -B-64, -S-128 (arXiv 2406.07550)
        ((1, 256), 64, 4, 4096, 64 * 12),
        ((1, 256), 128, 4, 4096, 128 * 12),
        ((17, 128), 256, 768, 8192, 1024 * 13),  # LARP: 1,024 tokens of 16 frames, here of 17 (arXiv 2410.21264)
    ],
)
def test_tokens_and_bits_at_the_papers_sizes(
    clip, spatial, temporal, codes, bits, tokenizer_of, proxy_params, codebook, monkeypatch
):
    def on_cpu(*arguments):
        with torch.device("cpu"):
            return build_quantizers(*arguments)

    monkeypatch.setattr(tokenizer_module, "build_quantizers", on_cpu)
    settings = tokenizer_of(architecture="holistic", spatial_tokens=spatial, temporal_tokens=temporal)
    with torch.device("meta"):
        model = VideoTokenizer(settings, Patches(spatial=8, temporal=4), proxy_params, clip, codebook)
        z_spatial, z_temporal = model.backbone.encode(model.features(torch.empty(1, 3, clip[0], clip[1], clip[1])))
    for quantizer in model.quantizers.values():
        quantizer.slots = [(0, codes)]
    assert code_size(model)["bits"] == bits and z_spatial.shape[1] == spatial
    assert z_temporal is None if clip[0] == 1 else z_temporal.shape[1] == temporal


def test_stochastic_codes_are_drawn_in_training_and_nearest_otherwise(make_model):
    """By the softmax of cosines over the temperature, LARP's 0.03."""
    model = make_model(**HOLISTIC, quantizer="stochastic")
    quantizer, z = model.quantizers["spatial"], torch.randn(1, 3, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        codes = quantizer.quantize.get_codes_from_indices(torch.arange(quantizer.size)[None])[0]
        cosines = quantizer.to_code(z)[0] @ codes.T  # (3, 19)
        assert torch.equal(quantizer(z).indices[0], cosines.argmax(-1))
        latent = quantizer.to_code(z).expand(4000, -1, -1)
        quantizer.quantize.train()
        torch.manual_seed(0)
        drawn = quantizer.quantize(latent, freeze_codebook=True)[1]  # (4000, 3)
    shares = F.one_hot(drawn, quantizer.size).float().mean(0)
    assert torch.allclose(shares, (cosines / 0.03).softmax(-1), atol=0.03)
    quantizer.eval()


def drawn_tokens(slots, seed=0):
    generator = torch.Generator().manual_seed(seed)
    indices = torch.stack([torch.randint(a, a + n, (4, 6), generator=generator) for a, n in slots], dim=-1)
    z_q = torch.randn(4, 6, 24, generator=generator).requires_grad_()
    return Quantized(z_q, indices[..., 0] if len(slots) == 1 else indices, z_q.new_zeros(()), 1.0)


@pytest.mark.parametrize("slots", [[(0, 5)], [(0, 5), (5, 3)]])
def test_the_prior_guesses_each_token_from_those_before_it(tokenizer_of, slots):
    torch.manual_seed(0)
    prior, groups = TokenPrior(tokenizer_of(), [slots, slots], 12), [drawn_tokens(slots), drawn_tokens(slots, 1)]
    loss = prior(groups)
    assert loss.item() == pytest.approx(
        sum(math.log(n) for _, n in slots) / len(slots), abs=0.5
    )  # it knows nothing yet
    loss.backward()
    assert groups[0].z_q.grad[:, 0].any() and groups[1].z_q.grad[:, 4].any() and not groups[1].z_q.grad[:, 5].any()
    assert prior([groups[0]]).isfinite()  # an image


def test_the_prior_learns_what_can_be_guessed(tokenizer_of):
    torch.manual_seed(0)
    prior, codes = TokenPrior(tokenizer_of(), [[(0, 5)]], 6), torch.randn(5, 24)
    optimiser = torch.optim.Adam(prior.parameters(), 3e-3)
    for _ in range(80):
        indices = (torch.randint(0, 5, (32, 1)) + torch.arange(6)) % 5  # each is the one before, counted on by one
        loss = prior([Quantized(codes[indices], indices, torch.zeros(()), 1.0)])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.5 * math.log(5)  # the first of six stays a guess: log(5) / 6


def test_the_prior_adds_to_the_loss_in_training_only(make_model, clips):
    model = make_model(**HOLISTIC, prior_loss=0.5)
    assert not torch.is_tensor(model.code(clips(2)).prior_loss)
    coded = model.train().code(clips(8))
    expected = 0.5 * model.token_prior([coded.spatial, coded.temporal])
    assert torch.allclose(coded.prior_loss, expected)
    assert torch.allclose(coded.loss, coded.spatial.loss + coded.temporal.loss + expected)
    coded.prior_loss.backward()
    assert model.backbone.queries.grad.any()  # the encoder learns tokens that are easier to guess
    model.zero_grad()
    model.eval()
