import re

import pytest

from sweettok.errors import InputError
from sweettok.language.tagging import PARTS, TaggedCaption, tag_captions
from sweettok.language.vocabulary import build_vocabulary

CAPTIONS = [
    "a red ball slowly bounces",
    "a red ball quickly rolls",
    "a green cube slowly bounces",
    "a green ball slowly falls",
]


def test_words_counts_and_order():
    vocabulary = build_vocabulary(tag_captions(CAPTIONS), min_count=1)
    assert vocabulary.counts == {
        "adjective": {"green": 2, "red": 2},
        "noun": {"ball": 3, "cube": 1},
        "adverb": {"slowly": 3, "quickly": 1},
        "verb": {"bounce": 2, "fall": 1, "roll": 1},
    }
    assert vocabulary.spatial == ["green", "red", "ball", "cube"]
    assert vocabulary.temporal == ["slowly", "quickly", "bounce", "fall", "roll"]
    assert vocabulary.words == vocabulary.spatial + vocabulary.temporal
    assert vocabulary.part_of_speech == ["adjective"] * 2 + ["noun"] * 2 + ["adverb"] * 2 + ["verb"] * 3


def test_result_does_not_depend_on_caption_order():
    forward, backward = (build_vocabulary(tag_captions(list(c)), 1) for c in (CAPTIONS, reversed(CAPTIONS)))
    assert forward.words == backward.words


def test_rare_words_are_left_out():
    assert build_vocabulary(tag_captions(CAPTIONS), min_count=2).words == ["green", "red", "ball", "slowly", "bounce"]


def test_each_part_has_its_own_threshold_and_size():
    tagged = tag_captions(CAPTIONS)
    everything = build_vocabulary(tagged, min_count=1).counts
    least = {"adjective": 2, "noun": 1, "adverb": 3, "verb": 1}
    assert build_vocabulary(tagged, least).counts == {
        part: {word: count for word, count in words.items() if count >= least[part]}
        for part, words in everything.items()
    }
    most = {"adjective": 1, "noun": 1, "adverb": 99, "verb": 2}
    assert build_vocabulary(tagged, 1, most).counts == {
        "adjective": {"green": 2},  # "red" occurs as often, and comes later in the alphabet
        "noun": {"ball": 3},
        "adverb": everything["adverb"],
        "verb": {"bounce": 2, "fall": 1},
    }


def test_a_word_has_its_most_frequent_part_and_ties_go_to_the_earlier_part():
    rest = (("red", "adjective"), ("slowly", "adverb"), ("roll", "verb"), ("ball", "noun"))
    tagged = [
        TaggedCaption((*rest, ("dance", "noun"), ("light", "noun")), times=2),
        TaggedCaption((("dance", "verb"), ("light", "adjective")), times=2),
        TaggedCaption((("dance", "verb"),), times=1),
    ]
    vocabulary = build_vocabulary(tagged, min_count=1)
    assert vocabulary.counts["verb"]["dance"] == 3 and "dance" not in vocabulary.counts["noun"]
    assert vocabulary.counts["adjective"]["light"] == 2 and "light" not in vocabulary.counts["noun"]


@pytest.mark.parametrize(
    ("captions", "min_count", "empty"),
    [
        (["a red ball bounces"], 1, {"adverb": "1"}),
        (CAPTIONS, 3, {"adjective": "3", "verb": "3"}),
        (CAPTIONS, {"adjective": 1, "noun": 4, "adverb": 1, "verb": 2}, {"noun": "4"}),
        (["12 34"], 1, dict.fromkeys(PARTS, "1")),
    ],
)
def test_empty_parts_are_named_with_their_thresholds(captions, min_count, empty):
    with pytest.raises(InputError, match=rf"{len(captions)} captions; .*codebook\.min_count") as refused:
        build_vocabulary(tag_captions(captions), min_count)
    assert dict(re.findall(rf"\b({'|'.join(PARTS)})\b.*?(\d+)", str(refused.value))) == empty
