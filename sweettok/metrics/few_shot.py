"""Few-shot classification by the nearest class mean, in any representation given as vectors.

The paper shows a clip's words to a large language model in context (docs/paper.md, Few-shot). This is the same n-way
k-shot task without one: what the words, or any other features, say about the class by themselves.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweettok.errors import InputError


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def few_shot_accuracy(
    features: ArrayLike, labels: ArrayLike, ways: int, shots: int, episodes: int, seed: int, queries: int = 5
) -> NDArray[np.float64]:
    """Accuracy of each of `episodes` random n-way k-shot episodes, shape (episodes,), in [0, 1]; chance is 1 / ways.

    An episode draws `ways` classes, and of each `shots` labelled and `queries` unlabelled samples without overlap. A
    query belongs to the class whose mean of unit-length shots is nearest by cosine (Snell et al. 2017, cosine variant).
    features: (N, F), labels: (N,). With the same labels and seed every representation meets the same episodes, so
    results are paired. Classes with fewer than shots + queries samples are left out.
    Raises ValueError (shapes, non-finite, counts below 1), InputError (too few classes with enough samples).
    """
    features, labels = np.asarray(features, dtype=np.float64), np.asarray(labels)
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        raise ValueError(f"few-shot: expected features (N, F) and labels (N,), got {features.shape} and {labels.shape}")
    if not np.isfinite(features).all():
        raise ValueError("few-shot: expected finite features, got NaN or infinity")
    unit = _unit(features)
    return np.array(
        [_episode(unit[rows], shots) for rows in draw_episodes(labels, ways, shots, episodes, seed, queries)]
    )


def draw_episodes(
    labels: ArrayLike, ways: int, shots: int, episodes: int, seed: int, queries: int
) -> Iterator[NDArray[np.int64]]:
    """Sample numbers (ways, shots + queries) of each episode, one row a class, the shots first; set by `seed`.

    Raises ValueError and InputError as `few_shot_accuracy`, before the first episode.
    """
    labels = np.asarray(labels)
    if ways < 2 or min(shots, episodes, queries) < 1:
        raise ValueError(f"few-shot: {ways=} must be at least 2, {shots=}, {episodes=}, {queries=} at least 1")
    members = [np.flatnonzero(labels == name) for name in np.unique(labels)]
    members = [rows for rows in members if len(rows) >= shots + queries]
    if len(members) < ways:
        raise InputError(
            f"{ways}-way {shots}-shot needs {ways} classes of at least {shots + queries} clips, "
            f"the data has {len(members)}; use more clips, or fewer ways or shots"
        )
    generator = np.random.default_rng(seed)
    for _ in range(episodes):
        chosen = generator.choice(len(members), ways, replace=False)
        yield np.stack([generator.choice(members[name], shots + queries, replace=False) for name in chosen])


def _episode(samples: NDArray[np.float64], shots: int) -> float:
    """Unit vectors (ways, shots + queries, F) -> share of the queries that are nearest to their own class's mean."""
    means = _unit(samples[:, :shots].mean(axis=1))  # (ways, F)
    similarity = samples[:, shots:] @ means.T  # (ways, queries, ways)
    return float((similarity.argmax(axis=-1) == np.arange(len(samples))[:, None]).mean())
