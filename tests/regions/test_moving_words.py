"""Clips of moving words: what is said of each is what it shows."""

import json

import numpy as np
import pytest

from sweettok.api.frames import open_frames
from sweettok.errors import InputError
from sweettok.regions.moving_words import draw_word_clip, write_word_clips


@pytest.mark.parametrize("size", [32, 64])
def test_a_box_holds_the_whole_word_and_heights_take_turns(size):
    heights, moving = set(), 0
    for index in range(16):
        frames, label = draw_word_clip(0, index, 9, size)
        (word,) = label["words"]
        for frame, (left, top, width, height) in zip(frames, word["boxes"], strict=True):
            inked = np.argwhere((frame != frame[0, 0]).any(axis=2))  # a corner shows the ground
            edges = [*inked.min(axis=0), *inked.max(axis=0) + 1]
            assert np.abs(np.array(edges) - (top, left, top + height, left + width)).max() <= 1.5
            assert word["height"] <= height <= 1.5 * word["height"]  # of capitals only Q and J go deeper
        heights.add(word["height"])
        moving += word["boxes"][0] != word["boxes"][-1]
    assert heights == {height for height in (6, 8, 10, 12, 16) if 4 * height <= size} and 0 < moving < 16


def test_a_folder_holds_what_its_seed_draws(tmp_path):
    write_word_clips(tmp_path / "words", clips=3, frames=5, size=32, seed=1)
    rows = [json.loads(line) for line in (tmp_path / "words" / "captions.jsonl").read_text().splitlines()]
    for index, row in enumerate(rows):
        (frames, label), written = draw_word_clip(1, index, 5, 32), open_frames(tmp_path / "words" / row.pop("clip"))
        assert row == label and np.array_equal(written.read(0, 5), frames)
        assert not np.array_equal(frames, draw_word_clip(2, index, 5, 32)[0])
    with pytest.raises(InputError, match="no word of 6 pixels fits into 8x8; raise --size"):
        write_word_clips(tmp_path / "small", clips=1, frames=5, size=8, seed=1)
    assert len(rows) == 3 and not (tmp_path / "small").exists()
