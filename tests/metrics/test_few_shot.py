import numpy as np
import pytest

from sweettok.errors import InputError
from sweettok.metrics.few_shot import few_shot_accuracy


@pytest.fixture(scope="module")
def labels():
    return np.repeat(np.arange(6), 12)


def directions(labels, noise):
    """Class directions in 16 dimensions plus noise."""
    generator = np.random.default_rng(0)
    return generator.normal(size=(6, 16))[labels] + noise * generator.normal(size=(len(labels), 16))


def test_perfect_classes_are_always_found_and_noise_is_chance(labels):
    perfect = few_shot_accuracy(directions(labels, 0.0), labels, ways=5, shots=1, episodes=50, seed=0)
    assert perfect.shape == (50,) and (perfect == 1).all()
    noise = np.random.default_rng(1).normal(size=(72, 16))
    assert few_shot_accuracy(noise, labels, 5, 1, 400, seed=0).mean() == pytest.approx(1 / 5, abs=0.03)
    assert few_shot_accuracy(np.ones((72, 4)), labels, 5, 1, 20, seed=0).mean() == pytest.approx(1 / 5)


def test_more_shots_and_fewer_ways_are_easier(labels):
    features = directions(labels, 1.5)
    accuracy = {(w, s): few_shot_accuracy(features, labels, w, s, 300, seed=0).mean() for w in (2, 5) for s in (1, 5)}
    assert accuracy[5, 5] > accuracy[5, 1] + 0.05
    assert accuracy[2, 1] > accuracy[5, 1] + 0.05


def test_queries_never_see_their_own_class_mean_from_themselves(labels):
    """One-hot samples share nothing with each other: if a query were among the shots, it would be recognised."""
    accuracy = few_shot_accuracy(np.eye(72), labels, ways=5, shots=6, episodes=40, seed=0)
    assert accuracy.mean() == pytest.approx(1 / 5)


def test_cosine_ignores_scale_and_the_seed_fixes_the_episodes(labels):
    features = directions(labels, 1.5)
    scale = np.random.default_rng(2).uniform(0.1, 10, size=(72, 1))
    options = {"labels": labels, "ways": 5, "shots": 2, "episodes": 30}
    same = few_shot_accuracy(features, **options, seed=3)
    np.testing.assert_array_equal(few_shot_accuracy(features * scale, **options, seed=3), same)
    assert (few_shot_accuracy(features, **options, seed=4) != same).any()


def test_classes_with_too_few_samples_are_left_out(labels):
    features = np.vstack([directions(labels, 0.0), np.full((3, 16), np.pi)])
    with_rare = np.append(labels, [6, 6, 6])
    assert (few_shot_accuracy(features, with_rare, 6, 2, 20, seed=0) == 1).all()
    with pytest.raises(InputError, match="7-way 2-shot .*7 classes .*7 clips, .*6"):
        few_shot_accuracy(features, with_rare, 7, 2, 20, seed=0)


def test_bad_input(labels):
    with pytest.raises(InputError, match="20-shot"):
        few_shot_accuracy(np.zeros((72, 2)), labels, 2, 20, 5, seed=0)
    with pytest.raises(ValueError, match="labels"):
        few_shot_accuracy(np.zeros((71, 2)), labels, 2, 1, 5, seed=0)
    with pytest.raises(ValueError, match="finite"):
        few_shot_accuracy(np.full((72, 2), np.inf), labels, 2, 1, 5, seed=0)
    with pytest.raises(ValueError, match="ways=1"):
        few_shot_accuracy(np.zeros((72, 2)), labels, 1, 1, 5, seed=0)
