import pytest
from sprite_data import sprites_data

from sweettok.language.tagging import tag_captions
from sweettok.language.vocabulary import build_vocabulary
from sweettok.video.sprite_words import DIRECTIONS, SYNONYMS
from sweettok.video.sprites import draw_sprite

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


def test_every_sprite_word_lands_in_the_class_it_was_written_as():
    """What the sprites call an adjective, noun, adverb or verb is found as such in the captions of 2,000 clips."""
    world = sprites_data(clips=(2000, 1, 1), frames=1, size=8, motions=10, two_objects=0.25)
    captions = [draw_sprite(world, "train", index).caption for index in range(world.clips.train)]
    vocabulary = build_vocabulary(tag_captions(captions), min_count=3)
    intended = {word: R for words in DIRECTIONS.values() for word in words}
    for groups in (groups for values in SYNONYMS.values() for groups in values.values()):
        intended |= {word: part for part, words in groups.items() for word in words}
    assert dict(zip(vocabulary.words, vocabulary.part_of_speech, strict=True)) == intended
