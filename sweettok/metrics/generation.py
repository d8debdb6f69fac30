"""How near generated clips are to real ones (T2): Frechet distances with what bounds them, class consistency, diversity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweettok.metrics.distances import FrechetDistance, distance_records, size_records
from sweettok.metrics.diversity import coverage_records, nearest_records
from sweettok.metrics.foreign import held_to_samples
from sweettok.metrics.networks import Skipped
from sweettok.metrics.record import record
from sweettok.metrics.registry import METRICS, metrics
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.judge import Judge
from sweettok.video.store import ClipStore


@dataclass(frozen=True)
class Samples:
    """Generated clips and what they are measured against: what a metric of samples gets.

    clips, labels      (n, 3, T, H, W), and the classes that were asked for, (n,)
    features           the judge's video features of the samples (n, F), of as many training clips, of all test clips
    judge, test, train, seed
    """

    clips: Tensor
    labels: np.ndarray
    features: np.ndarray
    features_of_training: np.ndarray
    features_of_test: np.ndarray
    judge: Judge
    test: ClipStore
    train: ClipStore
    seed: int


def class_records(samples: Samples) -> dict[str, dict]:
    """`class_consistency`, and what bounds it: `class_accuracy_real`, of the judge on real test clips."""
    found = {
        "class_consistency": (samples.features, samples.labels),
        "class_accuracy_real": (samples.features_of_test, samples.test.labels["label"].to_numpy()),
    }
    return {
        name: _share(name, samples.judge.classify(features) == labels, samples.judge, samples.test, samples.seed)
        for name, (features, labels) in found.items()
    }


def factor_coverage(samples: Samples) -> dict[str, dict]:
    """`factor_coverage` beside that of as many training clips (`:train_vs_test`)."""
    by_variant = {"": samples.features, ":train_vs_test": samples.features_of_training}
    return coverage_records(samples.judge, by_variant, samples.features_of_test, samples.test, samples.seed)


def nearest_train_psnr(samples: Samples) -> dict[str, dict]:
    """`nearest_train_psnr` beside that of test clips (`:test`)."""
    return nearest_records(samples.clips, samples.test, samples.train, samples.seed, samples.judge.device)


@torch.no_grad()
def sample_records(
    judge: Judge, distances: Sequence[FrechetDistance], samples: Tensor, labels: np.ndarray, store: ClipStore, seed: int
) -> tuple[dict[str, dict], dict[str, np.ndarray]]:
    """Metric records of generated clips (n, 3, T, H, W), and their features by the distances' names.

    Each distance, and `class_consistency`: how often the judge sees the class that was asked for, labels (n,).
    distances: the first is the judge's on whole clips of `store` (`judge_distances`).
    """
    features = {distance.name: distance.generated_features(samples) for distance in distances}
    records = distance_records(distances, features, seed, paired=False)
    hits = judge.classify(features[distances[0].name]) == labels
    records["class_consistency"] = _share("class_consistency", hits, judge, store, seed)
    return records, features


@torch.no_grad()
def evaluate_samples(
    judge: Judge,
    distances: Sequence[FrechetDistance],
    samples: Tensor,
    labels: np.ndarray,
    reconstructed: Mapping[str, dict],
    test: ClipStore,
    train: ClipStore,
    seed: int,
    sizes: Sequence[int] = (),
) -> tuple[dict[str, dict], list[Skipped]]:
    """`sample_records` with what bounds them, and the size curves that too few clips forbid.

    Each Frechet distance to the test clips stands beside that of reconstructed test clips (`:reconstruction`) and of
    real training clips (`:train_vs_test`); then come all metrics of samples that are registered, with their own bounds.
    distances: the first is the judge's on whole clips, all test clips in order (`judge_distances`).
    reconstructed: name of a distance -> record of the reconstructed test clips; those it lacks have no such bound.
    sizes: as in `size_records`.
    """
    first, (records, features) = distances[0], sample_records(judge, distances, samples, labels, test, seed)
    to_test = [distance for distance in distances if distance.selection.store.split == test.split]
    for distance in to_test:
        if distance.name in reconstructed:
            records[f"{distance.name}:reconstruction"] = reconstructed[distance.name]
    training = train.clips(range(min(len(train), len(samples))))
    real = {distance.name: distance.generated_features(training) for distance in to_test}
    records |= distance_records(to_test, real, seed, paired=False, variant=":train_vs_test")
    measured = Samples(samples, labels, features[first.name], real[first.name], first.real, judge, test, train, seed)
    for metric in metrics().values():
        if metric.compares == "samples":
            function = metric.function()
            records |= (function if metric in METRICS else held_to_samples(metric.name, function))(measured)
    curves, skipped = size_records(distances, features, sizes, seed, paired=False)
    return records | curves, skipped


def _share(name: str, hits: np.ndarray, judge: Judge, store: ClipStore, seed: int) -> dict:
    """Record of the share of clips, bool (n,), in which the judge sees the right class."""
    interval = bootstrap_interval(hits.astype(float), 1000, seed)
    facts: dict[str, Any] = {"frames": store.frames, "resolution": store.size}
    facts |= {"extractor": judge.name, "weights_sha256": judge.fingerprint}
    return record(float(hits.mean()), len(hits), store.split, seed, interval, metric=name, **facts)
