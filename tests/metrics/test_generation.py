"""What generated clips are measured with: Frechet distances beside their bounds, and the judge's classes."""

import numpy as np
import pytest
import torch
from memory_store import random_store

from sweettok.metrics.distances import judge_distances
from sweettok.metrics.generation import evaluate_samples, sample_records
from sweettok.metrics.record import record
from sweettok.models.judge import Judge

CLASSES = 3
FLOOR = record(0.5, 9, "test", 0, (0.4, 0.6), weights_sha256="0" * 64)


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    values = {"class": ["class0", "class1", "class2"], "factor:shape": ["box", "disc"]}
    judge = Judge({name: len(names) for name, names in values.items()}, 4).eval().requires_grad_(False)
    judge.values, judge.fingerprint = values, "0" * 64
    return judge


@pytest.fixture(scope="module")
def stores():
    return {split: random_store(count, split, CLASSES, seed=count) for split, count in (("train", 12), ("test", 9))}


def test_one_pass_gives_what_two_would(judge, stores):
    clips = torch.rand(40, 3, 5, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1  # more than one part
    (whole,) = judge_distances(judge, stores["test"], kinds=("video",))
    features = whole.generated_features(clips)
    np.testing.assert_allclose(features, judge.video_features(clips), atol=1e-5)
    assert np.array_equal(judge.classify(features), judge.predict(clips)["class"][1].argmax(-1))


def test_records_of_samples_that_are_the_test_clips(judge, stores):
    test, train = stores["test"], stores["train"]
    real = test.clips(range(len(test)))
    seen = judge.predict(real)["class"][1].argmax(-1).numpy()
    distances = judge_distances(judge, test, kinds=("video",))
    records, skipped = evaluate_samples(judge, distances, real, seen, {"frechet_video/judge": FLOOR}, test, train, 0)
    assert not skipped and list(records) == [
        "frechet_video/judge", "class_consistency", "frechet_video/judge:reconstruction",
        "frechet_video/judge:train_vs_test", "class_accuracy_real", "factor_coverage", "factor_coverage:train_vs_test",
        "nearest_train_psnr", "nearest_train_psnr:test",
    ]  # fmt: skip
    assert records["frechet_video/judge"]["value"] == pytest.approx(0, abs=1e-6)
    assert records["frechet_video/judge:reconstruction"] == FLOOR
    alone, features = sample_records(judge, distances, real, seen, test, seed=0)
    assert alone == {name: records[name] for name in ("frechet_video/judge", "class_consistency")}
    assert features["frechet_video/judge"].shape == (9, 32)
    assert records["class_consistency"]["value"] == records["factor_coverage"]["value"] == 1
    assert records["nearest_train_psnr"]["value"] == pytest.approx(records["nearest_train_psnr:test"]["value"])
    accuracy = (seen == test.labels["label"].to_numpy()).mean()
    assert records["class_accuracy_real"]["value"] == pytest.approx(accuracy)
    for name, entry in records.items():
        assert entry["interval"][0] <= entry["value"] <= entry["interval"][1], name
        assert entry["n"] == 9 and "test" in entry["split"] or name == "nearest_train_psnr"
        assert "nearest" in name or entry["protocol"]["weights_sha256"] == "0" * 64


def test_sizes_give_a_limit_or_a_reason(judge, stores):
    test, train = stores["test"], stores["train"]
    real, labels = test.clips(range(len(test))), np.zeros(9)
    distances = judge_distances(judge, test)
    records, skipped = evaluate_samples(judge, distances, real, labels, {}, test, train, seed=0, sizes=(4, 9))
    assert not any(name.endswith(":reconstruction") for name in records)
    assert not skipped and {f"frechet_{kind}/judge:limit" for kind in ("video", "image")} <= set(records)
    records, skipped = evaluate_samples(judge, distances, real, labels, {}, test, train, seed=0, sizes=(4, 10))
    assert len(skipped) == 2 and "but there are 9 clips" in skipped[0].why
    assert not any(name.endswith(":limit") for name in records)
