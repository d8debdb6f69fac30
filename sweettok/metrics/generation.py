"""How near generated clips are to real ones (T2): Frechet distances with what bounds them, and class consistency."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweettok.metrics.distances import Distance, size_records
from sweettok.metrics.networks import LeftOut
from sweettok.metrics.record import record
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.judge import Judge
from sweettok.video.store import ClipStore


@torch.no_grad()
def evaluate_samples(
    judge: Judge,
    distances: Sequence[Distance],
    samples: Tensor,
    labels: np.ndarray,
    reconstructions: Tensor,
    test: ClipStore,
    train: ClipStore,
    seed: int,
    sizes: Sequence[int] = (),
) -> tuple[dict[str, dict], list[LeftOut]]:
    """Metric records of generated clips, and the size curves that too few clips forbid.

    Each Frechet distance stands, where it is one to the test clips, beside what bounds it (`:reconstruction`:
    reconstructed test clips; `:train_vs_test`: real training clips); and how often the judge sees the class that was
    asked for. distances: the first is the judge's on whole clips, all test clips in order (`judge_distances`).
    reconstructions: of all test clips. sizes: as in `size_records`.
    """
    training = train.clips(range(min(len(train), len(samples))))
    made = {distance.name: distance.of_generated(samples) for distance in distances}
    records = {}
    for distance in distances:
        records[distance.name] = distance.record(made[distance.name], seed, paired=False)
        if distance.selection.store.split != test.split:
            continue
        rows = distance.selection.rows
        for variant, features, paired in (
            (":reconstruction", distance.of_tokenized(reconstructions[rows], np.arange(len(rows))), True),
            (":train_vs_test", distance.of_generated(training), False),
        ):
            records[distance.name + variant] = distance.record(features, seed, paired, variant)
    whole = distances[0]
    facts: dict[str, Any] = {"split": test.split, "seed": seed, "frames": test.frames, "resolution": test.size}
    facts |= {"extractor": judge.name, "weights_sha256": judge.fingerprint}
    for name, hits in {
        "class_consistency": predicted_classes(judge, made[whole.name]) == labels,
        "class_accuracy_real": predicted_classes(judge, whole.real) == test.labels["label"].to_numpy(),
    }.items():
        interval = list(bootstrap_interval(hits.astype(float), 1000, seed))
        records[name] = record(float(hits.mean()), len(hits), interval=interval, metric=name, **facts)
    curves, left_out = size_records(distances, made, sizes, seed, paired=False)
    return records | curves, left_out


def predicted_classes(judge: Judge, features: np.ndarray) -> np.ndarray:
    """The class (n,) that the judge sees in clips of these video features (n, F)."""
    return judge.classify(torch.from_numpy(features)).argmax(-1).numpy()
