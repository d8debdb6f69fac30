"""Quality against tokens kept, and lengths chosen clip by clip."""

import itertools
import math

import pytest
import torch

from sweettok.metrics.fidelity import psnr
from sweettok.metrics.reconstruction import code_size
from sweettok.metrics.tokens_kept import bits_kept, errors_by_length, kept_of, length_rows, lengths_for, shortened
from sweettok.tokenizers.sweettok import Shortened


@pytest.fixture(scope="module")
def model(make_model):
    return make_model(tail_drop=0.5, temporal_queries="global")


def test_a_share_of_all_groups_is_kept(model, clips):
    assert kept_of(model, 0.5) == {"spatial": 2, "temporal": 8} and kept_of(model, 0.01) == {
        "spatial": 1,
        "temporal": 1,
    }
    cut = shortened(model, model.encode(clips(2)), kept_of(model, 0.25))
    assert [(part >= 0).sum(1).tolist() for part in cut.split([4, 16], dim=1)] == [[1, 1], [4, 4]]


def test_errors_by_length_are_those_of_what_is_shown(model, clips):
    errors = errors_by_length(model, clips(3), [0.25, 1.0])
    whole = (model.reconstruct(clips(3)) - clips(3)).square().flatten(1).mean(1)
    assert errors.shape == (3, 2) and torch.allclose(errors[:, 1], whole) and not torch.allclose(errors[:, 0], whole)
    quarter = Shortened("quarter", model, "", 0.25)
    of_quarter = (quarter.decode(quarter.encode(clips(3))) - clips(3)).square().flatten(1).mean(1)
    assert torch.allclose(errors[:, 0], of_quarter) and quarter.bits_per_clip == bits_kept(model, kept_of(model, 0.25))


class Drawn:
    """Clips as a store gives them."""

    def __init__(self, clips):
        self.all = clips

    def __len__(self):
        return len(self.all)

    def clips(self, indices):
        return self.all[indices]


def test_the_curve_of_a_split(model, clips):
    """At its ends adaptive lengths are the fixed ones; between them they cost no more and have no larger error."""
    rows = length_rows(model, Drawn(clips(7)), batch_size=3)
    assert [row["tokens"] for row in rows] == [1 + 1, 1 + 2, 1 + 4, 2 + 8, 3 + 12, 4 + 16]
    assert rows[-1]["psnr"] == pytest.approx(psnr(clips(7), model.reconstruct(clips(7))).mean().item(), abs=1e-4)
    for row in rows:
        assert row["adaptive_tokens"] <= row["tokens"]
    assert rows[0]["adaptive_mse"] == pytest.approx(rows[0]["mse"])
    assert rows[-1]["adaptive_mse"] <= rows[-1]["mse"] + 1e-7
    assert rows[0]["adaptive_bits"] == pytest.approx(rows[0]["bits"])
    assert rows[2]["adaptive_bits"] <= rows[2]["bits"]
    assert rows[-1]["bits"] == pytest.approx(code_size(model)["bits"] + 2 + 4)


def test_bits_of_a_shortened_clip(model):
    """19 and 15 words; which of 4 and of 16 lengths it has is sent too."""
    assert bits_kept(model, {"spatial": 2, "temporal": 5}) == pytest.approx(
        2 * math.log2(19) + 5 * math.log2(15) + 2 + 4
    )


@pytest.mark.parametrize("budget", [2.0, 2.5, 3.0, 5.0])
def test_lengths_within_the_budget_have_the_least_error(budget):
    """Against all choices for 5 clips; errors fall and flatten, as a Lagrange price needs to find the best."""
    generator = torch.Generator().manual_seed(0)
    costs = torch.tensor([1, 2, 4, 8])
    falls = torch.rand(5, 3, generator=generator).sort(dim=1, descending=True).values * torch.tensor([1, 2, 4])
    errors = torch.cat([torch.zeros(5, 1), -falls.cumsum(1)], dim=1) + 10
    chosen = lengths_for(errors, costs, budget)
    spent, error = costs[chosen].float().mean().item(), errors.gather(1, chosen[:, None]).mean().item()
    assert spent <= budget
    best = min(
        errors.gather(1, torch.tensor(choice)[:, None]).mean().item()
        for choice in itertools.product(range(4), repeat=5)
        if costs[list(choice)].float().mean() <= spent
    )
    assert error == pytest.approx(best, abs=1e-6)


def test_hard_clips_get_more_tokens():
    errors = torch.tensor([[9.0, 5.0, 1.0], [1.0, 0.9, 0.8]])
    assert lengths_for(errors, torch.tensor([1, 2, 3]), budget=2.0).tolist() == [2, 0]


def test_a_budget_below_the_least_cost():
    with pytest.raises(ValueError, match="budget of 0.5"):
        lengths_for(torch.ones(2, 2), torch.tensor([1, 2]), 0.5)
