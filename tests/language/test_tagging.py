import numpy as np
import pytest

from sweettok.language.tagging import tag_captions
from sweettok.language.vocabulary import build_vocabulary

A, N, R, V = "adjective", "noun", "adverb", "verb"


@pytest.mark.parametrize(
    ("caption", "mentions"),
    [
        ("A small red circle slowly slides.", [("small", A), ("red", A), ("circle", N), ("slowly", R), ("slide", V)]),
        ("the tiny square orbits jerkily", [("tiny", A), ("square", N), ("orbit", V), ("jerkily", R)]),
        ("a dotted cross grows", [("dotted", A), ("cross", N), ("grow", V)]),
        ("two men were dancing in a building", [("man", N), ("dance", V), ("building", N)]),
        ("a man plays video games", [("man", N), ("play", V), ("video", N), ("game", N)]),
        ("a man is cooking fast", [("man", N), ("cook", V), ("fast", R)]),
        ("the salmon wall", [("salmon", A), ("wall", N)]),
        ("she ate the biggest salmon", [("eat", V), ("big", A), ("salmon", N)]),
        ("it is what it was, 123 !?", []),
    ],
)
def test_words_by_sentence_context(caption, mentions):
    assert tag_captions([caption])[0].mentions == tuple(mentions)


def test_repeated_captions_are_tagged_once_and_counted():
    tagged = tag_captions(["a red ball", "a blue ball", "A red  ball"])
    assert [(caption.times, len(caption.mentions)) for caption in tagged] == [(2, 2), (1, 2)]


def test_sprite_words_land_in_the_class_they_were_written_as():
    """What the sprites call an adjective, noun, adverb or verb must mostly be found as such in their captions."""
    words = pytest.importorskip("sweettok.video.sprite_words")
    rng = np.random.default_rng(0)

    def factors():
        return {factor: values[rng.integers(len(values))] for factor, values in words.FACTORS.items()}

    captions = [words.caption(rng, factors(), "left") for _ in range(1500)]
    vocabulary = build_vocabulary(tag_captions(captions), min_count=1)
    found = dict(zip(vocabulary.words, vocabulary.part_of_speech, strict=True))
    for part, least in ((A, 0.93), (N, 0.97), (R, 0.97), (V, 0.97)):
        groups = [group for values in words.SYNONYMS.values() for group in values.values()]
        intended = {word for group in groups for word in group.get(part, ())}
        share = sum(found.get(word) == part for word in intended) / len(intended)
        assert share >= least, f"{part}: {sorted(word for word in intended if found.get(word) != part)}"
