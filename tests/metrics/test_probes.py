import warnings

import numpy as np
import pytest
import torch

from sweettok.errors import InputError
from sweettok.metrics.probes import probe, token_features


@pytest.fixture(scope="module")
def labels():
    return np.array(["slide", "spin", "blink"])[np.random.default_rng(0).integers(3, size=90)]


def test_reads_a_linear_label_and_not_an_absent_one(labels):
    generator = np.random.default_rng(1)
    noise = generator.normal(size=(90, 8)) * [1, 1, 1, 1, 100, 100, 0.01, 0.01]
    informed = noise.copy()
    informed[:, 6] += 0.05 * (labels == "spin")  # beside columns of 100: needs standardising
    informed[:, 7] += 0.05 * (labels == "slide")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the fit converges
        found, absent = probe(informed, labels, folds=5, seed=0), probe(noise, labels, folds=5, seed=0)
    assert found.accuracy > 0.9
    assert absent.accuracy < found.chance + 0.2
    assert found.chance == np.unique(labels, return_counts=True)[1].max() / 90
    assert found.correct.shape == (90,) and found.correct.mean() == found.accuracy


def test_samples_are_judged_when_held_out(labels):
    """A feature that is unique to each sample cannot help on held-out samples."""
    assert probe(np.eye(90), labels, folds=5, seed=0).accuracy < 0.6


def test_the_seed_decides(labels):
    features = np.random.default_rng(2).normal(size=(90, 30))
    same = [probe(features, labels, folds=5, seed=4).correct for _ in range(2)]
    other = probe(features, labels, folds=5, seed=5).correct
    assert (same[0] == same[1]).all() and (same[0] != other).any()


def test_bad_input(labels):
    features = np.zeros((90, 2))
    with pytest.raises(InputError, match="2 classes"):
        probe(features, np.zeros(90, dtype=int), folds=5, seed=0)
    with pytest.raises(InputError, match="rare .* 1 .* 5 folds"):
        probe(features, np.array(["rare", *labels[1:]]), folds=5, seed=0)
    with pytest.raises(ValueError, match="labels"):
        probe(features, labels[:-1], folds=5, seed=0)
    with pytest.raises(ValueError, match="finite"):
        probe(np.full((90, 2), np.nan), labels, folds=5, seed=0)


def test_histograms():
    tokens = torch.tensor([[0, 0, 2, 1], [3, 3, 3, 3]])
    expected = np.array([[0.5, 0.25, 0.25, 0, 0], [0, 0, 0, 1, 0]], dtype=np.float32)
    np.testing.assert_array_equal(token_features(tokens, 5), expected)
    np.testing.assert_array_equal(token_features(tokens.view(2, 2, 2), 5), expected)  # trailing index axis
    np.testing.assert_array_equal(token_features(tokens[:, [2, 0, 3, 1]], 5), expected)  # blind to position


def test_histograms_refuse_what_is_no_token():
    with pytest.raises(ValueError, match=r"\[0, 3\), .*\[0, 3\]"):
        token_features(np.array([[0, 3]]), 3)
    with pytest.raises(ValueError, match="integers"):
        token_features(np.array([[0.5, 1.0]]), 3)
    with pytest.raises(ValueError, match=r"integers \(N, L\)"):
        token_features(np.array([0, 1]), 3)
