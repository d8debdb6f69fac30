"""Learned codes: the nearest is taken, and they move in training only."""

import torch
import torch.nn.functional as F
from quantizer_kinds import latents

from sweettok.models.learned_quantizer import LearnedQuantizer


def test_learned_quantiser_takes_the_nearest_of_its_codes(quantizers_of):
    quantizer = quantizers_of(quantizer="learned")["spatial"]
    z = latents(16, seed=3)
    with torch.no_grad():
        latent = F.normalize(quantizer.to_code(z), dim=-1)
        codes = quantizer.quantize.get_codes_from_indices(torch.arange(quantizer.size)[None])[0]
        distances = torch.cdist(latent.flatten(0, 1), codes)  # (tokens, codes)
        chosen = distances.gather(1, quantizer(z).indices.flatten()[:, None])[:, 0]
    assert torch.allclose(chosen, distances.min(1).values, atol=1e-4)


def test_learned_codes_move_towards_the_latents_in_training_only(quantizers_of):
    quantizer = quantizers_of(quantizer="learned")["spatial"]
    state = {name: value.clone() for name, value in quantizer.state_dict().items()}
    quantizer(latents(8, seed=2))
    assert all(torch.equal(value, state[name]) for name, value in quantizer.state_dict().items())
    quantizer.train()(latents(8, seed=2))
    assert any(not torch.equal(value, state[name]) for name, value in quantizer.state_dict().items() if "embed" in name)


def test_learned_quantiser_survives_a_state_dict(quantizers_of):
    one, other = quantizers_of(quantizer="learned")["spatial"], LearnedQuantizer(19, 24, 4, 4, 0.25).eval()
    other.load_state_dict(one.state_dict())
    with torch.no_grad():
        assert torch.equal(one(latents(8)).z_q, other(latents(8)).z_q)
