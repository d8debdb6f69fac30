"""Whitened unit vectors: the matrix against its formula, and the running statistics."""

import copy

import pytest
import torch

from sweettok.models.whitening import Whitening, whitening_matrix


def latents(batch, seed=0, tokens=4):
    return torch.randn(batch, tokens, 24, generator=torch.Generator().manual_seed(seed))


def test_whitening_undoes_a_covariance():
    a = torch.randn(6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    covariance = a @ a.T + torch.eye(6, dtype=torch.float64)
    w = whitening_matrix(covariance)
    assert torch.allclose(w, w.T) and torch.allclose(w @ covariance @ w, torch.eye(6, dtype=torch.float64), atol=5e-3)


def test_whitening_leaves_flat_directions_small():
    w = whitening_matrix(torch.diag(torch.tensor([4.0, 1.0, 0.0])))
    assert w.isfinite().all() and whitening_matrix(torch.zeros(3, 3)).isfinite().all()
    assert (w @ torch.diag(torch.tensor([4.0, 1.0, 0.0])) @ w)[2, 2] == pytest.approx(0, abs=1e-6)


def test_whiten_centres_each_token_and_whitens_all():
    torch.manual_seed(0)
    whiten, z = Whitening(24, 4, 5), latents(512, tokens=5) + 10 * latents(1, seed=8, tokens=5)
    with torch.no_grad():
        whiten(z)  # the first batch sets the statistics
        white = (whiten.project(z) - whiten.mean) @ whitening_matrix(whiten.covariance)
        assert torch.allclose(white.mean(0), torch.zeros(5, 4), atol=1e-3)
        flat = white.flatten(0, 1)
        assert torch.allclose(flat.T @ flat / len(flat), torch.eye(4), atol=2e-2)
        assert torch.allclose(whiten.eval()(z).norm(dim=-1), torch.ones(512, 5), atol=1e-5)


def test_whiten_takes_away_what_is_constant_in_a_token():
    torch.manual_seed(0)
    one = Whitening(24, 4, 5)
    other, z = copy.deepcopy(one), latents(256, tokens=5)
    with torch.no_grad():
        assert torch.allclose(one(z), other(z + latents(1, seed=8, tokens=5)), atol=1e-3)


def test_statistics_move_in_training_mode_only():
    whiten = Whitening(24, 4, 5)
    before = {name: value.clone() for name, value in whiten.named_buffers()}
    whiten.eval()(latents(8, tokens=5))
    assert all(torch.equal(value, before[name]) for name, value in whiten.named_buffers())
    whiten.train()(latents(8, tokens=5))
    assert not any(torch.equal(value, before[name]) for name, value in whiten.named_buffers())


@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0, 6.0])
def test_by_products_as_by_eigenvalues(spread, monkeypatch):
    """What a GPU computes; `spread`: orders of magnitude between directions."""
    a = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(0)))[0]
    covariance = 3 * a @ torch.diag(torch.logspace(0, -spread, 16)) @ a.T
    expected = whitening_matrix(covariance)
    monkeypatch.setattr("sweettok.models.devices.waits", lambda device: True)
    assert torch.allclose(whitening_matrix(covariance), expected, atol=1e-3 * expected.abs().max().item())
    assert whitening_matrix(torch.zeros(3, 3)).isfinite().all()


def test_statistics_start_as_a_plain_mean_of_batches():
    torch.manual_seed(0)
    whiten, batches = Whitening(24, 4, 5), [latents(8, seed, tokens=5) for seed in range(3)]
    with torch.no_grad():
        for batch in batches:
            whiten(batch)
        mean = torch.stack([whiten.project(batch).mean(0) for batch in batches]).mean(0)
    assert torch.allclose(whiten.mean, mean, atol=1e-6) and whiten.updates == 3
