import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from sweettok.metrics.mutual_information import (
    caption_features,
    excess_information,
    mutual_information,
    mutual_information_rows,
)
from sweettok.params import Semantics

SETTINGS = Semantics(
    ways=(2,), shots=(1,), episodes=1, language_model=None, language_model_episodes=1, probe_folds=2,
    permutations=40, seed=0,
)  # fmt: skip


def one_hot(values, size):
    return np.eye(size)[values]


def test_one_word_each_is_the_mutual_information_of_two_labels():
    first, second = np.random.default_rng(0).integers([4, 5], size=(200, 2)).T
    expected = mutual_info_score(first, second) / np.log(2)
    assert mutual_information(one_hot(first, 4), one_hot(second, 5)) == pytest.approx(expected)


def test_words_that_say_all_and_words_that_say_nothing():
    words = one_hot(np.arange(160) % 4, 4)
    assert mutual_information(words, words[:, ::-1]) == pytest.approx(2)  # bits
    assert mutual_information(words, np.full((160, 3), 1 / 3)) == pytest.approx(0)
    mixed = (words + 1 / 4) / 2  # half of a clip's words are drawn from all
    assert 0 < mutual_information(mixed, words) < 1


def test_unrelated_words_have_no_excess_though_they_have_information():
    """Of 60 clips and 400 pairs of values the plug-in estimate is bits away from zero; over many draws its excess is not."""
    generator = np.random.default_rng(1)
    found = [
        excess_information(*(one_hot(generator.integers(20, size=60), 20) for _ in range(2)), 20, seed)
        for seed in range(30)
    ]
    assert min(each.information for each in found) > 1
    assert np.mean([each.value for each in found]) == pytest.approx(0, abs=0.05)
    assert np.mean([each.interval[0] < 0 < each.interval[1] for each in found]) > 0.8
    assert np.mean([each.p_value < 0.1 for each in found]) < 0.35


def test_related_words_stand_out_and_the_interval_covers_the_excess_of_many_clips():
    def drawn(clips, seed):
        generator = np.random.default_rng(seed)
        first = generator.integers(3, size=clips)
        second = np.where(generator.random(clips) < 0.6, first, generator.integers(3, size=clips))
        return one_hot(first, 3), one_hot(second, 3)

    truth = mutual_information(*drawn(200_000, 0))
    found = [excess_information(*drawn(120, seed), 20, seed) for seed in range(1, 31)]
    assert np.mean([each.value for each in found]) == pytest.approx(truth, rel=0.1)
    assert np.mean([each.interval[0] < truth < each.interval[1] for each in found]) > 0.75
    assert all(each.p_value == 1 / 21 for each in found)


def test_the_seed_decides():
    words = one_hot(np.random.default_rng(2).integers(3, size=30), 3)
    same = [excess_information(words, words[::-1], 9, seed=1) for _ in range(2)]
    assert same[0] == same[1] != excess_information(words, words[::-1], 9, seed=2)


def test_bad_input():
    words = one_hot(np.arange(12) % 3, 3)
    with pytest.raises(ValueError, match="rows .*1$"):
        excess_information(words, 2 * words, 5, 0)
    with pytest.raises(ValueError, match=r"\(12, 3\) and \(11, 3\)"):
        excess_information(words, words[1:], 5, 0)
    with pytest.raises(ValueError, match="4 clips"):
        excess_information(words[:3], words[:3], 5, 0)


CAPTIONS = ["A red ball slides quickly.", "A red box slides.", "a red ball spins quickly", "A blue box slides slowly."]


def test_lemmas_of_captions():
    nouns = caption_features(CAPTIONS, "noun")
    np.testing.assert_array_equal(nouns, [[1, 0], [0, 1], [1, 0], [0, 1]])  # ball, box
    verbs = caption_features(CAPTIONS, "verb")
    np.testing.assert_array_equal(verbs[:, 0], [1, 1, 0, 1])  # slide; "spin" is in one caption only
    both = caption_features(["a red ball and a red box", "a ball beside a box", "a ball"], "noun")
    np.testing.assert_array_equal(both, [[0.5, 0.5], [0.5, 0.5], [1, 0]])


class Store:
    split = "test"
    captions = [["A red ball slides quickly.", "A blue box spins slowly."][clip % 2] for clip in range(24)] + ["", ""]


def test_rows_tell_the_parts_of_speech_apart(make_model):
    """Rigged tokens: spatial ones follow the caption, temporal ones do not."""
    model = make_model()
    generator = torch.Generator().manual_seed(0)
    spatial = (torch.arange(26) % 2)[:, None].expand(26, 4)
    temporal = torch.randint(model.quantizers["temporal"].size, (26, 16), generator=generator)
    rows = mutual_information_rows(model, {"spatial": spatial, "temporal": temporal}, Store(), SETTINGS)
    found = {(row["tokens"], row["part_of_speech"]): row for row in rows}
    assert set(found) == {(g, p) for g in ("spatial", "temporal") for p in ("adjective", "noun", "adverb", "verb")}
    for row in rows:
        assert row["lemmas"] == 2 and row["excess"]["n"] == 24 and row["excess"]["seed"] == 0
        assert row["excess"]["value"] == pytest.approx(row["information"] - row["null"])
        if row["tokens"] == "spatial":
            assert row["information"] == pytest.approx(1) and row["excess"]["interval"][0] > 0.5
            assert row["p_value"] == 1 / 41
        else:
            assert abs(row["excess"]["value"]) < 0.15 and row["p_value"] > 0.03


def test_no_captions_no_rows(make_model):
    class Silent(Store):
        captions = [""] * 26

    tokens = {"spatial": torch.zeros(26, 4, dtype=torch.int64)}
    assert mutual_information_rows(make_model(), tokens, Silent(), SETTINGS) == []
