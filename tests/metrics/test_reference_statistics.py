"""Cached reference features, and the record of a distance to them."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from sweettok.errors import InputError
from sweettok.metrics.distances import FrechetDistance
from sweettok.metrics.extractors import Extractor
from sweettok.metrics.protocol import adapted, preset, select
from sweettok.metrics.record import is_record
from sweettok.metrics.reference_statistics import FEATURES, cache_key, features_of, reference_features


class Store:
    """60 clips of noise in memory, 4 frames of 6 x 6."""

    frames, size, split, fingerprint = 4, 6, "test", "d" * 64

    def __init__(self):
        self._clips = torch.rand(60, 3, 4, 6, 6, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def __len__(self):
        return len(self._clips)

    def clips(self, indices):
        return self._clips[torch.as_tensor(np.asarray(indices))]


class Counting:
    """Features of a clip: eight random mixtures of its pixels. Counts the clips it has seen."""

    def __init__(self, dims=8):
        self.weights = torch.randn(3 * 3 * 36, dims, generator=torch.Generator().manual_seed(1)) / 18
        self.seen = 0

    def __call__(self, clips):
        self.seen += len(clips)
        return clips.flatten(1) @ self.weights


def in_batches(size):
    """How features are computed, clips in batches of that size."""

    def compute(extractor, selection):
        return features_of(extractor, selection.protocol, selection.batches(size, extractor.device))

    return compute


@pytest.fixture
def extractor():
    return Extractor("i3d-videogpt", "video", 8, "frechet_video/mixtures", "e" * 64, Counting(), {"layer": "only"})


@pytest.fixture
def selection():
    changes = {"frames": 3, "resolution": 6, "clips": None, "pixels": "float"}
    return select(adapted(preset("sweettok-code"), **changes), Store())


def test_second_time_it_is_read(extractor, selection, tmp_path):
    first = reference_features(extractor, selection, tmp_path, in_batches(7))
    assert first.shape == (60, 8) and extractor.features.seen == 60
    again = reference_features(extractor, selection, tmp_path, in_batches(60))
    assert np.array_equal(first, again) and extractor.features.seen == 60
    direct = extractor.features(selection.clips(range(60))).numpy()
    np.testing.assert_allclose(first, direct, rtol=1e-5, atol=1e-6)


def test_batch_size_changes_no_distance(extractor, selection):
    generated = np.random.default_rng(0).normal(size=(60, 8))
    distances = [
        FrechetDistance(extractor, selection, features_of(extractor, selection.protocol, selection.batches(size)))
        .record(generated, seed=0, paired=True)["value"]
        for size in (1, 7, 60)
    ]  # fmt: skip
    assert distances == pytest.approx([distances[0]] * 3, rel=1e-6)


def test_the_key_holds_everything(extractor, selection):
    keys = {cache_key(extractor, selection)}
    keys.add(cache_key(replace(extractor, sha256="0" * 64), selection))
    keys.add(cache_key(replace(extractor, facts={"layer": "other"}), selection))
    for changes in ({"covariance": "biased"}, {"start": "first"}, {"seed": 1}, {"clips": 50}, {"pixels": "round"}):
        keys.add(cache_key(extractor, replace(selection, protocol=adapted(selection.protocol, **changes))))
    other = Store()
    other.fingerprint = "9" * 64
    keys.add(cache_key(extractor, replace(selection, store=other)))
    assert len(keys) == 9
    assert cache_key(extractor, selection) in keys, "and the same things give the same key"


def damage_features(entry):
    content = bytearray((entry / FEATURES).read_bytes())
    content[-5] ^= 1
    (entry / FEATURES).write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        damage_features,
        lambda entry: (entry / FEATURES).write_bytes(b""),
        lambda entry: (entry / FEATURES).unlink(),
        lambda entry: (entry / "description.json").write_text("{"),
        lambda entry: (entry / "description.json").write_text("[]"),
        lambda entry: (entry / "description.json").unlink(),
    ],
)
def test_a_damaged_entry_is_computed_again(extractor, selection, tmp_path, caplog, damage):
    first = reference_features(extractor, selection, tmp_path, in_batches(10))
    damage(tmp_path / cache_key(extractor, selection))
    with caplog.at_level(logging.WARNING):
        again = reference_features(extractor, selection, tmp_path, in_batches(10))
    assert np.array_equal(first, again) and extractor.features.seen == 120
    assert len(caplog.records) == 1 and "damaged" in caplog.text
    reference_features(extractor, selection, tmp_path, in_batches(10))
    assert extractor.features.seen == 120, "the new entry is whole"


def test_an_interrupted_computation_leaves_no_entry(extractor, selection, tmp_path):
    def breaks(clips):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        reference_features(replace(extractor, features=breaks), selection, tmp_path, in_batches(10))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("covariance", ["biased", "unbiased"])
def test_the_record_carries_the_whole_protocol(extractor, selection, covariance):
    selection = replace(selection, protocol=adapted(selection.protocol, covariance=covariance))
    real = features_of(extractor, selection.protocol, selection.batches(20))
    generated = real + np.random.default_rng(0).normal(size=real.shape) * 0.3
    distance = FrechetDistance(extractor, selection, real)
    entry = distance.record(generated, seed=3, paired=True)
    assert distance.name == f"frechet_video/mixtures@{selection.protocol.name}" and is_record(entry)
    ddof = int(covariance == "unbiased")
    of_generated, of_real = (np.cov(rows.T.astype(np.float64), ddof=ddof) for rows in (generated, real))
    shift = np.square(generated.mean(0, dtype=np.float64) - real.mean(0, dtype=np.float64)).sum()
    expected = shift + np.trace(of_generated + of_real - 2 * sqrtm(of_generated @ of_real).real)
    assert entry["value"] == pytest.approx(expected, rel=1e-6)
    low, high = entry["interval"]
    assert low <= entry["value"] <= high and entry["n"] == 60 and entry["seed"] == 3
    protocol = entry["protocol"]
    assert protocol["protocol"] == selection.protocol.model_dump()
    assert protocol["weights_sha256"] == "e" * 64 and protocol["data"] == "d" * 64
    assert (protocol["covariance"], protocol["frames"], protocol["reference_clips"]) == (covariance, 3, 60)


def test_wrong_extractor_or_shape(extractor, selection):
    with pytest.raises(InputError, match="i3d-videogpt, .*i3d"):
        features_of(replace(extractor, name="i3d"), selection.protocol, [])
    with pytest.raises(InputError, match="images: 1 "):
        features_of(replace(extractor, kind="image"), selection.protocol, [])
    with pytest.raises(InputError, match=" 4 frames, .* 3$"):
        features_of(replace(extractor, min_frames=4), selection.protocol, [])
    with pytest.raises(ValueError, match=r"3, 3, 6, 6.*\(2, 3, 4, 6, 6\)"):
        features_of(extractor, selection.protocol, [torch.zeros(2, 3, 4, 6, 6)])
