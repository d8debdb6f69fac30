"""Clips of moving words: what is said of each is what it shows."""

import json

import numpy as np
import pytest

from sweettok.api.frames import open_frames
from sweettok.errors import InputError
from sweettok.regions.moving_words import draw_word_clip, write_word_clips


@pytest.mark.parametrize(("size", "heights"), [(32, {6, 8}), (64, {6, 8, 10, 12, 16})])
def test_letters_have_their_height_the_word_stays_whole_and_most_move(size, heights):
    words = [draw_word_clip(0, index, 9, size)[1]["words"][0] for index in range(16)]
    assert {word["height"] for word in words} == heights
    for word in words:
        left, top, width, height = np.array(word["boxes"]).T
        assert word["height"] <= height.min() and height.max() <= 1.5 * word["height"] + 1  # Q and J go deeper
        assert (
            np.ptp(width) <= 2
            and np.ptp(height) <= 2
            and min(*left, *top, *size - left - width, *size - top - height) >= 0
        )
    assert 8 <= sum(word["boxes"][0] != word["boxes"][-1] for word in words) < 16


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
