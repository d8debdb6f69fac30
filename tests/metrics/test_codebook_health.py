import numpy as np
import pytest
import torch
from scipy.stats import entropy

from sweettok.metrics.codebook_health import CodebookHealth


@pytest.fixture
def indices():
    return torch.randint(0, 30, (8, 16), generator=torch.Generator().manual_seed(0)) // 2  # words 0..14 of 20


def test_counts_usage_and_entropy_agree_with_scipy(indices):
    health = CodebookHealth(20).update(indices)
    words, counts = np.unique(indices.numpy(), return_counts=True)
    assert health.counts.dtype == np.int64 and health.counts.sum() == indices.numel()
    assert health.used == len(words) and health.usage == len(words) / 20
    assert health.entropy == pytest.approx(entropy(counts, base=2))
    assert health.perplexity == pytest.approx(np.exp(entropy(counts)))


def test_bounds():
    assert CodebookHealth(64).update(np.arange(64)).perplexity == pytest.approx(64)
    one_word = CodebookHealth(64).update(np.zeros(5, dtype=int))
    assert (one_word.entropy, one_word.perplexity, one_word.used) == (0.0, 1.0, 1)
    assert CodebookHealth(64).usage == 0


def test_batches_and_merging_change_nothing(indices):
    whole = CodebookHealth(20).update(indices)
    running = CodebookHealth(20)
    for batch in indices.split(3):
        running.update(batch)
    merged = CodebookHealth(20).update(indices[:5]).merge(CodebookHealth(20).update(indices[5:]))
    assert (running.counts == whole.counts).all() and (merged.counts == whole.counts).all()


def test_summary_is_what_reporting_reads():
    summary = CodebookHealth(3, ["red", "ball", "sky"]).update(np.array([[0, 0], [2, 2]])).summary()
    assert summary == {
        "words": 3,
        "used": 2,
        "usage": 2 / 3,
        "perplexity": 2.0,
        "counts": [2, 0, 2],
        "labels": ["red", "ball", "sky"],
    }


def test_bad_input():
    with pytest.raises(ValueError, match=r"\[0, 4\), .*\[0, 4\]"):
        CodebookHealth(4).update(np.arange(5))
    with pytest.raises(ValueError, match=r"\[-1, 0\]"):
        CodebookHealth(4).update(np.array([0, -1]))
    with pytest.raises(ValueError, match="integers"):
        CodebookHealth(4).update(torch.zeros(3))
    with pytest.raises(ValueError, match="4 labels"):
        CodebookHealth(4, ["one"])
    with pytest.raises(ValueError, match="codebooks"):
        CodebookHealth(4).merge(CodebookHealth(5))
    with pytest.raises(ValueError, match="indices"):
        _ = CodebookHealth(4).perplexity
