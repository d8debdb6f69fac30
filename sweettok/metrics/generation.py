"""How near generated clips are to real ones (T2): Frechet distances with what bounds them, class consistency, diversity."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweettok.metrics.distances import Distance, distance_records, size_records
from sweettok.metrics.diversity import coverage_records, nearest_records
from sweettok.metrics.networks import LeftOut
from sweettok.metrics.record import record
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.judge import Judge
from sweettok.video.store import ClipStore


@torch.no_grad()
def sample_records(
    judge: Judge, distances: Sequence[Distance], samples: Tensor, labels: np.ndarray, store: ClipStore, seed: int
) -> tuple[dict[str, dict], dict[str, np.ndarray]]:
    """Metric records of generated clips (n, 3, T, H, W), and their features by the distances' names.

    Each distance, and `class_consistency`: how often the judge sees the class that was asked for, labels (n,).
    distances: the first is the judge's on whole clips of `store` (`judge_distances`).
    """
    made = {distance.name: distance.of_generated(samples) for distance in distances}
    records = distance_records(distances, made, seed, paired=False)
    hits = predicted_classes(judge, made[distances[0].name]) == labels
    records["class_consistency"] = _share("class_consistency", hits, judge, store, seed)
    return records, made


@torch.no_grad()
def evaluate_samples(
    judge: Judge,
    distances: Sequence[Distance],
    samples: Tensor,
    labels: np.ndarray,
    reconstructed: Mapping[str, dict],
    test: ClipStore,
    train: ClipStore,
    seed: int,
    sizes: Sequence[int] = (),
) -> tuple[dict[str, dict], list[LeftOut]]:
    """`sample_records` with what bounds them, and the size curves that too few clips forbid.

    Each Frechet distance to the test clips stands beside that of reconstructed test clips (`:reconstruction`) and of
    real training clips (`:train_vs_test`), class consistency beside the judge's accuracy on real test clips,
    `factor_coverage` beside that of real training clips, `nearest_train_psnr` beside that of real test clips.
    distances: the first is the judge's on whole clips, all test clips in order (`judge_distances`).
    reconstructed: name of a distance -> record of the reconstructed test clips; those it lacks have no such bound.
    sizes: as in `size_records`.
    """
    first, (records, made) = distances[0], sample_records(judge, distances, samples, labels, test, seed)
    to_test = [distance for distance in distances if distance.selection.store.split == test.split]
    for distance in to_test:
        if distance.name in reconstructed:
            records[f"{distance.name}:reconstruction"] = reconstructed[distance.name]
    training = train.clips(range(min(len(train), len(samples))))
    real = {distance.name: distance.of_generated(training) for distance in to_test}
    records |= distance_records(to_test, real, seed, paired=False, variant=":train_vs_test")
    hits = predicted_classes(judge, first.real) == test.labels["label"].to_numpy()
    records["class_accuracy_real"] = _share("class_accuracy_real", hits, judge, test, seed)
    by_variant = {"": made[first.name], ":train_vs_test": real[first.name]}
    records |= coverage_records(judge, by_variant, first.real, test, seed)
    records |= nearest_records(samples, test, train, seed)
    curves, left_out = size_records(distances, made, sizes, seed, paired=False)
    return records | curves, left_out


def _share(name: str, hits: np.ndarray, judge: Judge, store: ClipStore, seed: int) -> dict:
    """Record of the share of clips, bool (n,), in which the judge sees the right class."""
    interval = bootstrap_interval(hits.astype(float), 1000, seed)
    facts: dict[str, Any] = {"frames": store.frames, "resolution": store.size}
    facts |= {"extractor": judge.name, "weights_sha256": judge.fingerprint}
    return record(float(hits.mean()), len(hits), store.split, seed, interval, metric=name, **facts)


def predicted_classes(judge: Judge, features: np.ndarray) -> np.ndarray:
    """The class (n,) that the judge sees in clips of these video features (n, F)."""
    return judge.classify(torch.from_numpy(features)).argmax(-1).numpy()
