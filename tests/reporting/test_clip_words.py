"""A clip's words over its frames: every token has its place, its frames and its word's neighbours."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sweettok.reporting.clip_words import NEIGHBOURS, clips_with_words, nearest, word_entries
from sweettok.reporting.collect import Results, collect


@pytest.fixture(scope="module")
def results(complete_outputs: Path) -> Results:
    return collect(complete_outputs)


def test_tokens_lie_under_the_frames_that_they_stand_for(results: Results):
    first, *others = clips_with_words(results)
    assert len(others) == 3 and first.clip == "test-00000"
    assert [frame.name for frame in first.frames] == [
        "frame 0",
        "frames 1-4",
        "frames 5-8",
        "frames 9-12",
        "frames 13-16",
    ]
    spatial, temporal = first.grids
    assert (spatial.side, spatial.first, spatial.last, spatial.name) == (2, 0, 0, "frame 0")
    assert (temporal.side, temporal.first, temporal.last, temporal.name) == (2, 1, 4, "frames 1-16")
    assert spatial.words == ("red", "square", "red", "dotted")


def test_tokens_of_single_frames_are_told_apart(results: Results):
    groups = {"spatial": [{"side": 1, "latent_frames": [0]}]}
    groups["temporal"] = [{"side": 1, "latent_frames": [time]} for time in (1, 2, 3, 4)]
    words = {"spatial": ["red"], "temporal": ["slides", "slowly", "turns", "grows"]}
    places, clips = {**results.token_places, "groups": groups}, [{"clip": "a", "caption": "b", "words": words}]
    (only,) = clips_with_words(replace(results, token_places=places, clip_words=clips))
    found = [(grid.first, grid.last, grid.name, grid.words) for grid in only.grids[1:]]
    assert found[0] == (1, 1, "frames 1-4", ("slides",)) and found[3] == (4, 4, "frames 13-16", ("grows",))


def test_composed_tokens_have_three_words_each(results: Results):
    entry = {
        "clip": "a",
        "caption": "b",
        "words": {"spatial": ["red", "small", "square"] * 4, "temporal": ["turns"] * 4},
    }
    (only,) = clips_with_words(replace(results, clip_words=[entry]))
    assert only.grids[0].words == ("red small square",) * 4
    entries = word_entries([only], results.codebook)
    assert [entry.word for entry in entries] == ["red", "small", "square", "turns"]


def test_neighbours_have_the_largest_cosines(results: Results):
    found = nearest("red", results.codebook)
    own, vectors = results.codebook.vectors["red"], results.codebook.vectors
    cosines = sorted((float(vector @ own) for word, vector in vectors.items() if word != "red"), reverse=True)
    assert [cosine for _, cosine in found] == pytest.approx(cosines[:NEIGHBOURS])
    assert all(np.isclose(vectors[word] @ own, cosine) for word, cosine in found)


def test_codes_of_a_learned_codebook_have_no_neighbours(results: Results):
    entry = {"clip": "a", "caption": "b", "words": {"spatial": ["code 1"] * 4, "temporal": ["code 2"] * 4}}
    clips = clips_with_words(replace(results, clip_words=[entry]))
    # one token, one code: the space in "code 1" is no border between words
    assert clips[0].grids[0].words == ("code 1",) * 4
    assert word_entries(clips, results.codebook) == ()


def test_nothing_without_words():
    assert clips_with_words(Results("test")) == () and word_entries((), None) == ()
