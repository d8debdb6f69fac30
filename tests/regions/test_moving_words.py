"""Clips of moving words: what is said of each is what it shows."""

import json

import numpy as np
import pytest

from sweettok.api.frames import open_frames
from sweettok.errors import InputError
from sweettok.regions.moving_words import WORDS, draw_word_clip, write_word_clips


def test_the_same_seed_gives_the_same_clips_and_another_does_not():
    (one, label), (again, same) = (draw_word_clip(3, 5, 9, 48) for _ in range(2))
    assert np.array_equal(one, again) and label == same
    assert not np.array_equal(one, draw_word_clip(4, 5, 9, 48)[0])


@pytest.mark.parametrize("size", [32, 64])
def test_a_box_holds_the_whole_word_and_heights_take_turns(size):
    heights, moves = set(), 0
    for index in range(16):
        frames, label = draw_word_clip(0, index, 9, size)
        (word,) = label["words"]
        assert word["text"] in WORDS.split() and word["text"] in label["caption"]
        for frame, (left, top, width, height) in zip(frames, word["boxes"], strict=True):
            inked = np.argwhere((frame != frame[0, 0]).any(axis=2))  # a corner shows the ground
            first, last = inked.min(axis=0), inked.max(axis=0) + 1
            assert np.abs([*first, *last] - np.array([top, left, top + height, left + width])).max() <= 1.5
            assert word["height"] <= height <= 1.5 * word["height"]  # of capitals only Q and J go deeper
        heights.add(word["height"])
        moves += word["boxes"][0] != word["boxes"][-1]
    assert heights == {height for height in (6, 8, 10, 12, 16) if 4 * height <= size} and 0 < moves < 16


def test_a_folder_holds_what_was_drawn(tmp_path):
    write_word_clips(tmp_path / "words", clips=3, frames=5, size=32, seed=1)
    rows = [json.loads(line) for line in (tmp_path / "words" / "captions.jsonl").read_text().splitlines()]
    for index, row in enumerate(rows):
        frames, label = draw_word_clip(1, index, 5, 32)
        assert row == {"clip": row["clip"]} | label
        assert np.array_equal(open_frames(tmp_path / "words" / row["clip"]).read(0, 5), frames)
    with pytest.raises(InputError, match="words exists; name a new folder"):
        write_word_clips(tmp_path / "words", clips=3, frames=5, size=32, seed=1)
    with pytest.raises(InputError, match="no word of 6 pixels fits into 8x8; raise --size"):
        write_word_clips(tmp_path / "small", clips=1, frames=5, size=8, seed=1)
    assert len(rows) == 3 and not (tmp_path / "small").exists()
