"""The diffusion decoder: its noise, its steps, where it starts. Causality and another process: test_patchwise.py."""

import math

import pytest
import torch

from sweettok.models.diffusion_decoder import fixed_noise


@pytest.fixture
def model(make_model):
    return make_model(diffusion_steps=3)


def test_it_starts_as_the_pixel_decoder(model, make_model, clips):
    tokens = model.encode(clips(2))
    assert torch.equal(model.decode(tokens), make_model().decode(tokens))


def test_noise_is_the_same_for_every_clip_and_draws_nothing_from_others(model, clips):
    before = torch.get_rng_state()
    fixed_noise.cache_clear()
    assert torch.equal(fixed_noise(9, 16)[:, :5], fixed_noise(5, 16)) and fixed_noise(9, 16).std() == pytest.approx(
        1, abs=0.05
    )
    assert torch.equal(torch.get_rng_state(), before)
    torch.nn.init.normal_(model.diffusion_decoder.to_pixels.rest.weight, std=0.05)
    tokens = model.encode(clips(3))
    assert torch.allclose(model.decode(tokens), torch.cat([model.decode(one) for one in tokens.split(1)]), atol=1e-5)


def test_steps_lead_from_noise_to_the_guess_along_the_path_of_training(model, clips, monkeypatch):
    """A denoiser that knows the clip sees, at each angle, what noising the clip at that angle gives."""
    decoder, clip, seen = model.diffusion_decoder, clips(2), []

    def clean(noised, angle, picture):
        seen.append(angle[0].item())
        a = angle.view(-1, 1, 1, 1, 1)
        assert torch.allclose(noised, a.cos() * clip + a.sin() * fixed_noise(9, 16), atol=1e-5)
        return clip

    monkeypatch.setattr(decoder, "clean", clean)
    assert torch.allclose(decoder(torch.zeros_like(clip)), clip, atol=1e-6)
    assert seen == pytest.approx([math.pi / 2, math.pi / 3, math.pi / 6])


def test_training_noises_each_clip_by_an_angle_of_its_own(model, clips, monkeypatch):
    clip, given = clips(8), {}
    monkeypatch.setattr(
        model.diffusion_decoder,
        "clean",
        lambda noised, angle, picture: given.update(noised=noised, angle=angle) or noised,
    )
    torch.manual_seed(0)
    with torch.no_grad():
        model.pixels(model(clip)[1], clip)
    angle = given["angle"].view(-1, 1, 1, 1, 1)
    noise = ((given["noised"] - angle.cos() * clip) / angle.sin()).flatten(1)
    assert len(given["angle"].unique()) == 8 and given["angle"].min() > 0 and given["angle"].max() < math.pi / 2
    assert torch.allclose(noise.std(1), torch.ones(8), atol=0.05) and noise.mean().abs() < 0.05
