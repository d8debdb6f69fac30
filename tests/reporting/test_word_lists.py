"""Ranked words by part of speech."""

from dataclasses import replace
from pathlib import Path

import pytest

from sweettok.reporting.collect import Results, collect
from sweettok.reporting.word_lists import SHOWN, word_lists


@pytest.fixture(scope="module")
def results(complete_outputs: Path) -> Results:
    return collect(complete_outputs)


def test_words_are_ranked_within_their_part_of_speech(results: Results):
    lists = word_lists(results)
    assert [(listed.group, listed.part) for listed in lists] == [
        ("spatial", "adjective"), ("spatial", "noun"), ("temporal", "adverb"), ("temporal", "verb"),
    ]  # fmt: skip
    for listed in lists:
        health = results.reconstruction["methods"]["sweettok"]["codebook"][listed.group]
        times = dict(zip(health["labels"], health["counts"], strict=True))
        of_part = [count for word, count in times.items() if results.codebook.parts[word] == (listed.part,)]
        expected = sorted((count for count in of_part if count > 0), reverse=True)[:SHOWN]
        assert [used.times for used in listed.words] == expected
        assert all(used.times == times[used.word] for used in listed.words)
        assert all(used.share == used.times / sum(times.values()) for used in listed.words)
        assert listed.words[0].length == 1


def test_a_word_of_two_parts_is_listed_under_its_groups(results: Results):
    word = next(used.word for used in word_lists(results)[0].words)
    both = replace(results.codebook, parts={**results.codebook.parts, word: ("verb", "noun")})
    lists = {listed.part: listed for listed in word_lists(replace(results, codebook=both)) if listed.group == "spatial"}
    assert word in [used.word for used in lists["noun"].words]


def test_learned_codes_have_numbers_and_no_part_of_speech(results: Results):
    health = {"spatial": {"counts": [3, 0, 5], "labels": None}}
    (only,) = word_lists(Results("test", reconstruction={"methods": {"sweettok": {"codebook": health}}}))
    assert [(used.word, used.times) for used in only.words] == [("code 2", 5), ("code 0", 3)]
    assert only.part == "learned"


def test_a_word_listed_twice_is_counted_together():
    """Of the union of nouns and adjectives one may be both."""
    health = {"spatial": {"counts": [3, 4, 5], "labels": ["orange", "orange", "red"]}}
    (only,) = word_lists(Results("test", reconstruction={"methods": {"sweettok": {"codebook": health}}}))
    assert [(used.word, used.times) for used in only.words] == [("orange", 7), ("red", 5)]


def test_nothing_without_a_reconstruction():
    assert word_lists(Results("test")) == ()
