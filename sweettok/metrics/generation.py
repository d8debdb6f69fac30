"""How near generated clips are to real ones (gFVD's place in T2, on judge features)."""

import numpy as np
import torch
from torch import Tensor

from sweettok.metrics.frechet import frechet_record
from sweettok.metrics.record import record
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.judge import Judge
from sweettok.video.store import ClipStore

CLIPS_AT_ONCE = 32


@torch.no_grad()
def judge_clips(judge: Judge, clips: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """clips (n, 3, T, H, W) -> video features (n, F), predicted class (n,)."""
    features = torch.cat([judge.video_features(part) for part in clips.split(CLIPS_AT_ONCE)])
    return features.numpy(), judge.classify(features).argmax(-1).numpy()


def evaluate_samples(
    judge: Judge,
    samples: Tensor,
    labels: np.ndarray,
    reconstructions: Tensor,
    test: ClipStore,
    train: ClipStore,
    seed: int,
) -> dict[str, dict]:
    """Metric records of generated clips: Frechet distance to the test clips beside what bounds it (reconstructed test
    clips; real training clips), and how often the judge sees the class that was asked for."""
    real = test.clips(range(len(test)))
    features = {
        "frechet_video/judge": judge_clips(judge, samples),
        "frechet_video/judge:reconstruction": judge_clips(judge, reconstructions),
        "frechet_video/judge:train_vs_test": judge_clips(judge, train.clips(range(min(len(train), len(samples))))),
    }
    real_features, real_classes = judge_clips(judge, real)
    facts = {"split": test.split, "seed": seed, "frames": test.frames, "resolution": test.size}
    facts |= {"extractor": judge.name, "weights_sha256": judge.fingerprint}
    records = {}
    for name, (values, _) in features.items():
        paired = name.endswith("reconstruction")
        records[name] = frechet_record(
            values, real_features, paired=paired, metric=name, **facts, reference_clips=len(test)
        )
    for name, hits in {
        "class_consistency": features["frechet_video/judge"][1] == labels,
        "class_accuracy_real": real_classes == test.labels["label"].to_numpy(),
    }.items():
        interval = list(bootstrap_interval(hits.astype(float), 1000, seed))
        records[name] = record(float(hits.mean()), len(hits), interval=interval, metric=name, **facts)
    return records
