from collections import Counter

import numpy as np
import pytest
import torch
from sprite_data import sprites_data

from sweettok.metrics.few_shot import few_shot_accuracy
from sweettok.metrics.probes import probe
from sweettok.metrics.record import is_record
from sweettok.metrics.semantics import (
    few_shot_sizes,
    few_shot_tasks,
    reference_representations,
    semantic_rows,
    token_representations,
    token_semantics,
    tokens_by_group,
)
from sweettok.models.judge import Judge
from sweettok.params import Semantics
from sweettok.video.prepare import prepare
from sweettok.video.sprite_words import FACTORS, KINDS
from sweettok.video.store import ClipStore

SETTINGS = Semantics(
    ways=(2, 5), shots=(1, 2), episodes=20, language_model=None, language_model_episodes=2, probe_folds=2,
    permutations=5, seed=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sprites")
    prepare(sprites_data(clips=(1, 1, 72)), folder)
    return ClipStore.open(folder, "test")


def knowing(store, *columns):
    """One-hot vectors (n, F) of these columns of the labels, and of nothing else."""
    values = [store.labels[column].to_numpy() for column in columns]
    return np.hstack([(of[:, None] == np.unique(of)).astype(np.float32) for of in values])


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"architecture": "coupled"},
        {"architecture": "downsample"},
        {"quantizer": "learned"},
        {"quantizer": "factorised"},
        {"quantizer": "fsq", "tail_drop": 0.5, "temporal_queries": "global"},
        {"tail_drop": 0.5, "temporal_queries": "global"},
        {"words": "all"},
        {"lookup": "composed"},
    ],
)
def test_tokens_of_any_cell_are_described(make_model, store, overrides):
    model = make_model(**overrides)
    found = token_semantics(model, store, SETTINGS)
    learned = "quantizer" in overrides
    names = {"spatial", "temporal"} | (set() if learned else {"words_spatial", "words_temporal"})
    assert {row["representation"] for row in found["few_shot"]} == names
    assert {row["tokens"] for row in found["probes"]} == {"spatial", "temporal"}
    records = [row[key] for rows in found.values() for row in rows for key in ("accuracy", "difference") if key in row]
    assert len(records) == sum(map(len, found.values())) and all(map(is_record, records))
    assert all(entry["seed"] == 3 and entry["interval"] and entry["split"] == "test" for entry in records)


def test_tokens_are_those_of_the_model_and_vectors_are_looked_up(make_model, store):
    model = make_model()
    tokens = tokens_by_group(model, store)
    expected = model.encode(store.clips(range(len(store))))
    assert torch.equal(torch.cat(list(tokens.values()), dim=1), expected)
    vectors = token_representations(model, tokens)
    quantizer, clip = model.quantizers["temporal"], 40
    place = {word: row for row, word in enumerate(quantizer.words)}
    words = model.words(expected)[clip][model.config.spatial_tokens :]
    mean = sum(quantizer.vectors[place[word]] for word in words) / len(words)
    np.testing.assert_allclose(vectors["words_temporal"][clip], mean, rtol=1e-4, atol=1e-5)
    counted = np.bincount(tokens["temporal"][clip], minlength=quantizer.size) / 16
    np.testing.assert_allclose(vectors["temporal"][clip], counted, atol=1e-6)
    first = token_representations(model, tokens_by_group(model, store, count=5))
    np.testing.assert_allclose(first["spatial"], vectors["spatial"][:5])


def test_tokens_of_each_latent_frame_are_described_apart(make_model, store):
    model = make_model(temporal_queries="per_frame")
    tokens = tokens_by_group(model, store)
    vectors, quantizer, clip = token_representations(model, tokens), model.quantizers["temporal"], 40
    of_frames = tokens["temporal"][clip].view(4, 4)  # 4 later latent frames of 4 tokens
    for frame, found in zip(of_frames, np.split(vectors["temporal"][clip], 4), strict=True):
        np.testing.assert_allclose(found, np.bincount(frame, minlength=quantizer.size) / 4, atol=1e-6)
    means = torch.stack([quantizer.vectors[frame].mean(0) for frame in of_frames])
    np.testing.assert_allclose(vectors["words_temporal"][clip], means.flatten(), rtol=1e-4, atol=1e-5)


def test_references(store):
    judge = Judge({"class": 3}, width=4).eval()
    vectors = reference_representations(judge, store)
    clip = store.clips([50])
    np.testing.assert_allclose(vectors["judge"][50], judge.video_features(clip)[0].detach(), atol=1e-5)
    assert vectors["pixels"].shape == (72, 3 * 5 * 8 * 8) and vectors["first_frame"].shape == (72, 3 * 8 * 8)
    np.testing.assert_allclose(
        vectors["first_frame"][50].reshape(3, 8, 8), clip[0, :, 0].reshape(3, 8, 2, 8, 2).mean((2, 4)), atol=1e-6
    )


def test_a_factor_that_only_one_group_holds_is_found_there(store):
    """Perfect separation: spatial vectors hold the colour and nothing of the motion, temporal ones the reverse."""
    vectors = {"spatial": knowing(store, "factor:colour"), "temporal": knowing(store, "factor:motion", "factor:speed")}
    found = semantic_rows(vectors, store, SETTINGS)
    accuracy = {(row["tokens"], row["factor"]): row["accuracy"]["value"] for row in found["probes"]}
    assert accuracy["temporal", "motion"] == accuracy["temporal", "speed"] == 1
    assert accuracy["spatial", "colour"] > 0.9
    difference = {row["factor"]: row["difference"] for row in found["probe_differences"]}
    for factor in ("motion", "speed", "colour"):
        assert difference[factor]["value"] == pytest.approx(accuracy["spatial", factor] - accuracy["temporal", factor])
    assert difference["colour"]["interval"][0] > 0.3 and difference["motion"]["interval"][1] < -0.3
    assert difference["all motion"]["interval"][1] < 0
    motion = [difference[name]["value"] for name, kind in KINDS.items() if kind == "motion" and name in difference]
    assert difference["all motion"]["value"] == pytest.approx(np.mean(motion))


def test_chance_is_the_most_frequent_value(store):
    found = semantic_rows({"spatial": knowing(store, "class")}, store, SETTINGS)
    for row in found["probes"]:
        counts = Counter(store.labels[f"factor:{row['factor']}"])
        assert row["chance"] == max(counts.values()) / 72
    assert not found["probe_differences"]  # of one group there is none


def test_equal_groups_do_not_differ_and_rows_are_reproducible(store):
    same = np.random.default_rng(0).normal(size=(72, 6))
    found = semantic_rows({"spatial": same, "temporal": same}, store, SETTINGS)
    assert semantic_rows({"spatial": same, "temporal": same}, store, SETTINGS) == found
    assert {row["difference"]["value"] for row in found["probe_differences"]} == {0.0}
    assert {tuple(row["difference"]["interval"]) for row in found["probe_differences"]} == {(0.0, 0.0)}


def test_rows_are_what_the_classifiers_say(store):
    vectors = {"temporal": np.random.default_rng(0).normal(size=(72, 5)), "spatial": knowing(store, "factor:size")}
    found = semantic_rows(vectors, store, SETTINGS)
    rows = {
        (row["task"], row["ways"], row["shots"], row["representation"]): row["accuracy"] for row in found["few_shot"]
    }
    numbers = (vectors["temporal"] - vectors["temporal"].mean(0)) / vectors["temporal"].std(0)
    expected = few_shot_accuracy(numbers, store.labels["class"], 2, 2, 20, seed=3)
    assert rows["action", 2, 2, "temporal"]["value"] == pytest.approx(expected.mean())
    assert rows["action", 2, 2, "temporal"]["protocol"]["chance"] == 0.5
    whole = probe(vectors["spatial"], store.labels["factor:size"], 2, seed=3)
    assert whole.accuracy in [
        row["accuracy"]["value"] for row in found["probes"] if (row["tokens"], row["factor"]) == ("spatial", "size")
    ]
    average = next(row for row in found["few_shot_average"] if row["representation"] == "temporal")
    of_task = [entry["value"] for key, entry in rows.items() if key[0] == "action"]
    assert average["accuracy"]["value"] == pytest.approx(np.mean(of_task))
    assert average["chance"] == pytest.approx((0.5 + 1 / 3) / 2)  # three classes: 5-way becomes 3-way


def test_probes_may_be_fitted_on_other_clips(store):
    """On vectors that tell the size of training clips, and of these clips nothing: chance. On the right ones: all."""
    vectors, labels = {"spatial": knowing(store, "factor:size")}, store.labels
    settings = SETTINGS.model_copy(update={"probe_clips": 72})
    of_size = [
        row for row in semantic_rows(vectors, store, settings, (vectors, labels))["probes"] if row["factor"] == "size"
    ]
    assert of_size[0]["accuracy"]["value"] == 1
    assert of_size[0]["accuracy"]["protocol"]["fitted_on"] == "the first 72 training clips"
    other = {"spatial": np.random.default_rng(0).normal(size=vectors["spatial"].shape)}
    wrong = semantic_rows(vectors, store, settings, (other, labels))["probes"]
    assert all(row["accuracy"]["value"] < row["chance"] + 0.3 for row in wrong if row["factor"] == "size")


def test_sizes_of_few_classes():
    labels = np.repeat(["a", "b", "c"], 9)
    assert few_shot_sizes(labels, SETTINGS) == [(2, 1), (2, 2), (3, 1), (3, 2)]
    assert few_shot_sizes(labels[:18], SETTINGS) == [(2, 1), (2, 2)]
    assert few_shot_sizes(labels[:9], SETTINGS) == []


def test_tasks_of_images_and_of_videos(store):
    video = {"action": ("class", "temporal"), "image": ("factor:shape", "spatial")}
    assert few_shot_tasks(store) == video  # 72 clips are too few for ten colours

    class Many:
        frames, labels = 9, {"factor:shape": ["ring"] * 20, "factor:colour": ["red", "blue"] * 10}

    assert few_shot_tasks(Many()) == video | {"colour": ("factor:colour", "spatial")}

    class Images:
        frames, labels = 1, {"class": []}

    assert few_shot_tasks(Images()) == {"image": ("class", "spatial")}


def test_every_factor_has_a_kind():
    assert set(KINDS) == set(FACTORS)
    assert [name for name, kind in KINDS.items() if kind == "motion"] == ["motion", "speed", "manner"]
    assert set(KINDS.values()) == {"appearance", "motion"}
