from collections import Counter
from itertools import product

import pytest

from sweettok.language.codebook import build_codebook
from sweettok.language.tables import frequent_words, strongest_edges
from sweettok.language.tagging import tag_captions
from sweettok.params import Codebook

SETTINGS = Codebook(
    captions=None, captions_split=None, min_count=1, max_words=None, provider="hashed", provider_path=None
)
CAPTIONS = [
    "a red ball slowly bounces",
    "a red ball slowly bounces",
    "a green cube quickly rolls",
    "a red cube slowly rolls",
    "a blue ball quickly rolls",
]


@pytest.fixture(scope="module")
def codebook():
    return build_codebook(CAPTIONS, SETTINGS)


def test_most_frequent_words_of_each_part(codebook):
    rows = frequent_words(codebook, 2)
    assert list(rows.columns) == ["part_of_speech", "rank", "word", "count"]
    assert rows.to_numpy().tolist() == [
        ["adjective", 1, "red", 3],
        ["adjective", 2, "blue", 1],
        ["noun", 1, "ball", 3],
        ["noun", 2, "cube", 2],
        ["adverb", 1, "slowly", 3],
        ["adverb", 2, "quickly", 2],
        ["verb", 1, "roll", 3],
        ["verb", 2, "bounce", 2],
    ]


def test_strongest_edges_against_a_count_by_loops(codebook):
    expected = {}
    for link in (("adjective", "noun"), ("adverb", "verb")):
        together = Counter()
        for caption in tag_captions(CAPTIONS):
            words = [{lemma for lemma, part in caption.mentions if part == wanted} for wanted in link]
            together.update({pair: caption.times for pair in product(*words)})
        best = sorted(together.items(), key=lambda item: (-item[1], item[0]))[:3]
        expected["-".join(link)] = [[rank, *pair, count] for rank, (pair, count) in enumerate(best, start=1)]
    rows = strongest_edges(codebook, 3)
    assert list(rows.columns) == ["link", "rank", "first", "second", "count"]
    assert {link: part.drop(columns="link").to_numpy().tolist() for link, part in rows.groupby("link")} == expected


def test_tables_of_a_graph_without_edges():
    captions = ["a red", "the ball", "slowly", "to eat"]
    alone = build_codebook(captions, SETTINGS)
    assert strongest_edges(alone, 5).empty
    assert list(strongest_edges(alone, 5).columns) == ["link", "rank", "first", "second", "count"]
