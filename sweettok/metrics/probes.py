"""Linear probes: what can be read off tokens? (Do spatial tokens carry appearance, temporal ones motion?)"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweettok.errors import InputError, counted


@dataclass(frozen=True)
class Probe:
    """Accuracy of a linear probe on samples that it was not fitted on.

    accuracy  share of held-out samples named right, in [0, 1]
    chance    share of the most frequent class: what a probe without features reaches
    correct   (N,) bool, per sample; for intervals
    """

    accuracy: float
    chance: float
    correct: NDArray[np.bool_]


def probe(
    features: ArrayLike,
    labels: ArrayLike,
    folds: int,
    seed: int,
    fitting: tuple[ArrayLike, ArrayLike] | None = None,
) -> Probe:
    """Multinomial logistic regression on standardised features (N, F): how many of the labels (N,) it names rightly.

    Fitted on the features and labels of other samples where `fitting` gives some, else by stratified k-fold
    cross-validation. labels: integers or strings. Deterministic in `seed` (fold assignment).
    Raises ValueError (shapes, non-finite), InputError (fewer than 2 classes, or a class with fewer samples than folds).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, labels = np.asarray(features, dtype=np.float64), np.asarray(labels)
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        raise ValueError(f"probe: expected features (N, F) and labels (N,), got {features.shape} and {labels.shape}")
    if not np.isfinite(features).all():
        raise ValueError("probe: expected finite features, got NaN or infinity")
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise InputError(f"a probe needs at least 2 classes, got {len(classes)}; use more clips")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    chance = float(counts.max() / len(labels))
    if fitting is not None:
        model.fit(np.asarray(fitting[0], dtype=np.float64), np.asarray(fitting[1]))
        correct = model.predict(features) == labels
        return Probe(accuracy=float(correct.mean()), chance=chance, correct=correct)
    if counts.min() < folds:
        rare = classes[counts.argmin()]
        raise InputError(
            f"class {rare} has {counted(counts.min(), 'clip')} for {folds} folds; use more clips or fewer folds"
        )
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed)
    correct = cross_val_predict(model, features, labels, cv=splits) == labels
    return Probe(accuracy=float(correct.mean()), chance=chance, correct=correct)


def token_features(tokens: ArrayLike, words: int) -> NDArray[np.float32]:
    """Word histogram of each clip: tokens (N, L) or (N, L, indices) in [0, words) -> shares (N, words), rows sum to 1.

    Compact and blind to position: it asks which words the tokens are made of. Raises ValueError (shape, range).
    """
    tokens = np.asarray(tokens)
    if tokens.ndim < 2 or tokens.size == 0 or tokens.dtype.kind not in "iu":
        raise ValueError(f"tokens: expected integers (N, L), got {tokens.dtype} {tokens.shape}")
    if tokens.min() < 0 or tokens.max() >= words:
        raise ValueError(f"tokens: expected indices in [0, {words}), got [{tokens.min()}, {tokens.max()}]")
    tokens = tokens.reshape(len(tokens), -1)  # (N, L * indices)
    clip = np.arange(len(tokens))[:, None]
    counts = np.bincount((clip * words + tokens).ravel(), minlength=len(tokens) * words)
    return (counts.reshape(len(tokens), words) / tokens.shape[1]).astype(np.float32)
