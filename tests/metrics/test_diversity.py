"""Diversity of samples: which values of the factors they cover, and how near training clips are."""

import numpy as np
import pytest
import torch
from memory_store import random_store

from sweettok.metrics import diversity
from sweettok.metrics.diversity import coverage, coverage_records, nearest_clips, nearest_records
from sweettok.metrics.fidelity import PSNR_CAP
from sweettok.models.judge import Judge


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    values = {
        "class": ["a", "b"],
        "factor:shape": ["box", "disc", "star"],
        "factor:hue": ["blue", "red"],
        "factor:one": ["1"],
    }
    judge = Judge({name: len(names) for name, names in values.items()}, 4).eval().requires_grad_(False)
    judge.values, judge.fingerprint = values, "0" * 64
    return judge


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize(
    "generated, real, count, expected",
    [
        ([0, 1, 2], [2, 1, 0], 3, 1),
        ([0, 0, 1, 1], [0, 1], 2, 1),  # shares count, not numbers
        ([0, 0], [1, 1], 2, 0),
        ([0, 0, 0, 1], [0, 1], 2, 0.75),  # shares 3/4, 1/4 against 1/2, 1/2
        ([0, 0, 0, 0], [0, 1, 2, 3], 5, 0.25),  # one value of four: collapsed
        ([4], [4, 4, 4, 0], 5, 0.75),
    ],
)
def test_coverage_by_hand(generated, real, count, expected):
    assert coverage(generated, real, count) == pytest.approx(expected)
    assert coverage(real, generated, count) == pytest.approx(expected)


@pytest.mark.parametrize("generated, real", [([], [0]), ([0], []), ([2], [0]), ([-1], [0]), ([[0]], [0])])
def test_coverage_of_what_is_no_list_of_values(generated, real):
    with pytest.raises(ValueError, match=r"\[0, 2\)"):
        coverage(np.array(generated, int), np.array(real, int), 2)


def test_coverage_records_equal_a_count_by_hand(judge):
    store = random_store(6, "test")
    real, generated = (noise(count, 32, seed=count).numpy() * 5 for count in (6, 20))
    records = coverage_records(judge, {"": generated, ":train_vs_test": real}, real, store, seed=0)
    assert list(records) == ["factor_coverage", "factor_coverage:train_vs_test"]
    assert records["factor_coverage:train_vs_test"]["value"] == 1  # identical sets
    entry, expected = records["factor_coverage"], {}
    for name, count in (("shape", 3), ("hue", 2)):  # not the class, and no factor of one value
        head = judge.video_heads[f"factor_{name}"]
        seen = [(head(torch.from_numpy(features)).argmax(1)).tolist() for features in (generated, real)]
        expected[name] = sum(min(of.count(v) / len(of) for of in seen) for v in range(count))  # 1 - total variation
    assert entry["protocol"]["by_factor"] == pytest.approx(expected)
    assert entry["value"] == pytest.approx(np.mean(list(expected.values())))
    assert 0 <= entry["interval"][0] <= entry["value"] <= entry["interval"][1] <= 1
    assert (entry["n"], entry["split"], entry["seed"]) == (20, "test", 0)
    assert entry["protocol"]["weights_sha256"] == "0" * 64 and entry["protocol"]["reference_clips"] == 6


def test_samples_of_one_value_cover_less(judge):
    store, real = random_store(200, "test"), noise(200, 32, seed=1).numpy() * 5
    alike, various = np.repeat(real[:1], 200, axis=0), noise(200, 32, seed=2).numpy() * 5
    records = coverage_records(judge, {"": alike, ":various": various}, real, store, seed=0)
    assert records["factor_coverage"]["value"] < records["factor_coverage:various"]["value"] - 0.1


def test_no_coverage_without_factors(judge):
    bare = Judge({"class": 2}, 4)
    assert coverage_records(bare, {"": np.zeros((2, 32), np.float32)}, np.zeros((2, 32), np.float32), None, 0) == {}


def test_nearest_equals_a_search_one_by_one():
    store, queries = random_store(70, "train"), noise(9, 3, 5, 16, 16, seed=5)
    queries[:3] = store.clips([69, 0, 33]) + 0.01
    among = torch.arange(70)
    found = nearest_clips(queries, store, among)
    errors = torch.stack([(store.clips(among).double() - query).square().flatten(1).sum(1) for query in queries])
    assert torch.equal(found, errors.argmin(1)) and found[:3].tolist() == [69, 0, 33]
    assert max(map(len, store.read[1:3])) == diversity.CLIPS_AT_ONCE  # read in parts


def test_nearest_among_some_only():
    store = random_store(8, "train")
    assert nearest_clips(store.clips([1, 2]), store, torch.tensor([7, 2]))[1] == 2
    assert set(nearest_clips(store.clips([1, 3]), store, torch.tensor([7, 2])).tolist()) <= {7, 2}
    with pytest.raises(ValueError, match="none"):
        nearest_clips(store.clips([1]), store, torch.arange(0))


def test_large_clips_are_searched_on_averaged_pixels_and_measured_whole(monkeypatch):
    monkeypatch.setattr(diversity, "SEARCHED", 3 * 5 * 4 * 4)
    train = random_store(12, "train")
    blocks = train._frames[:, :, ::4, ::4].repeat(4, axis=2).repeat(4, axis=3)
    train._frames[:] = blocks  # of which averages tell as much as pixels
    samples = train.clips([3, 8, 11])
    records = nearest_records(samples, random_store(4, "test", seed=1), train, seed=0)
    assert records["nearest_train_psnr"]["protocol"]["searched_at"] == 4
    assert records["nearest_train_psnr"]["value"] == PSNR_CAP


def test_copies_reach_the_cap_and_others_do_not():
    train, test = random_store(30, "train"), random_store(7, "test", seed=1)
    records = nearest_records(train.clips([4, 4, 20]), test, train, seed=0)
    copied, real = records["nearest_train_psnr"], records["nearest_train_psnr:test"]
    assert list(records) == ["nearest_train_psnr", "nearest_train_psnr:test"]
    assert copied["value"] == PSNR_CAP and copied["interval"] == pytest.approx([PSNR_CAP, PSNR_CAP])
    errors = (test.clips(range(7))[:, None].double() - train.clips(range(30))).square().mean((2, 3, 4, 5)).amin(1)
    expected = (10 * np.log10(4 / errors.numpy())).mean()
    assert real["value"] == pytest.approx(expected)
    assert real["interval"][0] <= real["value"] <= real["interval"][1] < 10
    assert (copied["n"], copied["split"]) == (3, "generated vs train")
    assert (real["n"], real["split"]) == (7, "test vs train")
    assert real["protocol"]["training_clips"] == 30 and real["protocol"]["data"] == train.fingerprint


def test_of_many_clips_evenly_spaced_ones_are_compared(monkeypatch):
    monkeypatch.setattr(diversity, "MAX_QUERIES", 3)
    monkeypatch.setattr(diversity, "MAX_TRAINING", 5)
    train, test = random_store(10, "train"), random_store(9, "test", seed=1)
    records = nearest_records(noise(4, 3, 5, 16, 16), test, train, seed=0)
    assert [entry["n"] for entry in records.values()] == [3, 3]
    assert test.read == [[0, 3, 6]] and train.read[0] == [0, 2, 4, 6, 8]
    assert records["nearest_train_psnr"]["protocol"]["training_clips"] == 5
