"""Factor retention, checked by hand on a judge whose features are its logits."""

from types import SimpleNamespace

import numpy as np
import pandas
import pytest

from sweettok.metrics.retention import accuracy_records, factor_names, label_hits, retention_records

COLOURS, SHAPES = ["blue", "green", "red"], ["disc", "square"]
DRAWN = (500, 0)  # resamples and seed


def judge_of(**values):
    """Sees in a clip what its features say: one column a label, the place of the value."""

    def classify(features, label):
        return features[:, list(values).index(label.removeprefix("factor:"))].astype(int)

    named = {label if label == "class" else f"factor:{label}": list(known) for label, known in values.items()}
    return SimpleNamespace(values=named, classify=classify, name="judge", fingerprint="f" * 64)


def store_of(**columns):
    named = {name if name == "class" else f"factor:{name}": values for name, values in columns.items()}
    return SimpleNamespace(labels=pandas.DataFrame(named), split="test", frames=5, size=16)


def features_of(*columns):
    return np.array(columns, dtype=np.float32).T


@pytest.fixture
def judge():
    return judge_of(colour=COLOURS, shape=SHAPES)


@pytest.fixture
def store():
    return store_of(**{"class": list("abcd"), "colour": ["red", "red", "blue", "green"], "shape": ["disc"] * 4})


REAL = features_of([2, 2, 0, 0], [0, 0, 0, 0])  # misses the green one
RECONSTRUCTED = features_of([2, 0, 0, 1], [0, 0, 1, 1])  # misses one red, finds the green one; two shapes lost


def test_by_hand(judge, store):
    real, reconstructed = label_hits(judge, REAL, store), label_hits(judge, RECONSTRUCTED, store)
    assert real["factor:colour"].tolist() == [True, True, True, False]
    assert reconstructed["factor:colour"].tolist() == [True, False, True, True]
    accuracy = accuracy_records(real, judge, store, *DRAWN)
    assert {name: entry["value"] for name, entry in accuracy.items()} == {"colour": 0.75, "shape": 1}
    assert accuracy["colour"]["protocol"] == {
        "frames": 5, "resolution": 16, "extractor": "judge", "weights_sha256": "f" * 64, "chance": 0.5,
    }  # fmt: skip
    kept = retention_records(reconstructed, real, judge, store, *DRAWN)
    assert {name: entry["value"] for name, entry in kept.items()} == {"colour": 1, "shape": 0.5}
    facts = kept["shape"]["protocol"]
    assert (facts["accuracy"], facts["real"], facts["chance"]) == (0.5, 1, 1)
    for entry in (*accuracy.values(), *kept.values()):
        assert (entry["n"], entry["split"], entry["seed"]) == (4, "test", 0)
        assert entry["interval"][0] <= entry["value"] <= entry["interval"][1]


def test_real_clips_retain_all_however_often_they_are_drawn(judge, store):
    """The same clips are drawn for both, so that equal hits differ in no draw."""
    real = label_hits(judge, REAL, store)
    for entry in retention_records(real, real, judge, store, *DRAWN).values():
        assert entry["value"] == 1 and entry["interval"] == [1, 1]


def test_the_interval_is_that_of_the_ratio_over_drawn_clips(judge, store):
    real, reconstructed = label_hits(judge, REAL, store), label_hits(judge, RECONSTRUCTED, store)
    entry = retention_records(reconstructed, real, judge, store, 4000, 1)["shape"]
    draws = np.random.default_rng(5).integers(4, size=(4000, 4))  # all shapes are seen on real clips: plain means
    means = reconstructed["factor:shape"].astype(float)[draws].mean(axis=1)
    assert entry["interval"] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.01)


def test_a_value_the_judge_never_saw_is_a_miss(judge):
    store = store_of(**{"class": ["a", "b"], "colour": ["mauve", "red"], "shape": ["disc", "disc"]})
    hits = label_hits(judge, features_of([0, 2], [0, 0]), store)
    assert hits["factor:colour"].tolist() == [False, True]


def test_labels_with_nothing_to_tell_are_left_out():
    judge = judge_of(colour=COLOURS, shape=["disc"], light=["dim", "bright"])
    store = store_of(**{"class": ["a", "b"], "colour": ["red", "red"], "shape": ["disc", "disc"]})
    assert list(label_hits(judge, features_of([2, 2], [0, 0], [0, 0]), store)) == ["factor:colour"]


def test_an_untrained_judge_tells_nothing(store):
    assert label_hits(SimpleNamespace(values={}), REAL, store) == {}


def test_features_of_other_clips_are_refused(judge, store):
    with pytest.raises(ValueError, match=" 4 .* 3$"):
        label_hits(judge, REAL[:3], store)


def test_the_class_stands_beside_factors_unless_it_is_one():
    both = store_of(**{"class": ["a", "b"], "motion": ["a", "b"], "shape": ["disc", "square"]})
    labels = ["class", "factor:motion", "factor:shape"]
    assert factor_names(labels, both) == {"factor:motion": "motion", "factor:shape": "shape"}
    other = store_of(**{"class": ["a", "b"], "motion": ["a", "a"]})
    assert factor_names(labels[:2], other) == {"class": "class", "factor:motion": "motion"}


def test_what_the_judge_never_names_has_no_retention(judge, store):
    blind = label_hits(judge, features_of([1, 1, 1, 0], [0, 0, 0, 0]), store)
    reconstructed = label_hits(judge, RECONSTRUCTED, store)
    assert list(retention_records(reconstructed, blind, judge, store, *DRAWN)) == ["shape"]
    assert accuracy_records(blind, judge, store, *DRAWN)["colour"]["value"] == 0


def test_draws_without_a_real_hit_do_not_count(judge, store):
    once = label_hits(judge, features_of([2, 1, 1, 0], [0, 0, 0, 0]), store)  # one colour of four
    entry = retention_records(once, once, judge, store, *DRAWN)["colour"]
    assert entry["value"] == 1 and entry["interval"] == [1, 1]
