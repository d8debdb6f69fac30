"""Metrics of other packages: they get copies, and each breach of what they declare is one line that names the metric."""

import pytest
import torch
from function_tokenizer import FunctionTokenizer
from memory_store import random_store

from sweettok.errors import InputError
from sweettok.metrics import scorers
from sweettok.metrics.foreign import held_to_pairs, held_to_samples
from sweettok.metrics.reconstruction import score
from sweettok.metrics.record import record
from sweettok.metrics.registry import METRICS, Metric
from sweettok.metrics.scorers import open_scorers

CLIPS = torch.linspace(-1, 1, 2 * 3 * 5 * 16 * 16).view(2, 3, 5, 16, 16)


def fails(a, b):
    raise KeyError("codes")


def wants_a_file(a, b):
    raise InputError("weights.pt does not exist")


def runs_out(a, b):
    raise MemoryError


def in_place(a, b):
    b.sub_(a)
    return a.zero_().add_(b).square().mean((1, 2, 3, 4))


@pytest.mark.parametrize(
    ("compute", "named"),
    [
        (lambda a, b: (a - b).mean(), r"of 2 pairs got torch.float32 \(\); compute\(a, b\) gives"),
        (lambda a, b: 0.5, "of 2 pairs got float"),
        (lambda a, b: torch.zeros(3), r"of 2 pairs got torch.float32 \(3,\)"),
        (lambda a, b: torch.zeros(2, dtype=torch.int64), "got torch.int64"),
        (lambda a, b: torch.tensor([1, torch.nan]), "got nan; "),
        (lambda a, b: torch.tensor([1, torch.inf]), "got inf; "),
        (torch.no_grad()(fails), r"raised KeyError in test_foreign.py:\d+: 'codes'; compute"),
        (wants_a_file, "metric mine: weights.pt does not exist$"),
    ],
)
def test_what_pairs_give(compute, named):
    with pytest.raises(InputError, match=named) as refused:
        held_to_pairs("mine", compute)(CLIPS, CLIPS)
    assert str(refused.value).startswith("metric mine: ")


def test_want_of_memory_is_left_to_the_stage():
    with pytest.raises(MemoryError):
        held_to_pairs("mine", runs_out)(CLIPS, CLIPS)


@pytest.mark.parametrize(
    ("compute", "named"),
    [(lambda samples: 0.5, "metric mine: got float; "), (lambda samples: {"mine": 0.5}, "got dict; .*records")],
)
def test_what_samples_give(compute, named):
    with pytest.raises(InputError, match=named):
        held_to_samples("mine", compute)(None)
    found = {"mine": record(0.5, 1, "test")}
    assert held_to_samples("mine", lambda samples: found)(None) == found


class Writing(FunctionTokenizer):
    """Writes into all that it is given."""

    def encode(self, clip):
        tokens = super().encode(clip).clone()
        clip.zero_()
        return tokens

    def decode(self, tokens):
        decoded = super().decode(tokens).clone()
        tokens.zero_()
        return decoded


def test_what_writes_into_its_input_leaves_the_other_numbers_alone(monkeypatch):
    """A metric that is measured before the others, and a tokenizer."""
    store, of = random_store(4, "test"), {"batch_size": 4}
    expected = score(FunctionTokenizer(torch.neg), store, scorers=open_scorers(None, None, 16)[0], **of)
    mine = Metric("mine", in_place, "pairs", False)
    monkeypatch.setattr(scorers, "metrics", lambda: {metric.name: metric for metric in (mine, *METRICS)})
    found = score(Writing(torch.neg), store, scorers=open_scorers(None, None, 16)[0], **of)
    assert list(found.scores) == ["mine", "psnr", "ssim"]
    assert all((found.scores[name] == expected.scores[name]).all() for name in ("psnr", "ssim"))
    assert torch.equal(found.first, expected.first)
