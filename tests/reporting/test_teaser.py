"""The moving picture of the README."""

from pathlib import Path

import numpy as np
from PIL import Image

from sweettok.reporting.teaser import LINE, SIDE, frequent_words, save_teaser


def test_the_most_frequent_words_come_first():
    words = {"spatial": ["red", "blue", "red", "dark", "blue", "red", "tiny"], "temporal": ["spin"]}
    assert frequent_words(words) == ["red, blue", "spin"]


def test_a_frame_a_moment_and_a_column_a_clip(tmp_path: Path):
    generator = np.random.default_rng(0)
    strips = {name: generator.integers(0, 255, (3, 5, 16, 16, 3), dtype=np.uint8) for name in ("original", "sweettok")}
    words = [{"words": {"spatial": ["red"], "temporal": ["spin"]}}] * 2  # of the first clips alone
    save_teaser(strips, words, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 5
        width, height = gif.size
    assert 2 * SIDE <= width < 2.2 * SIDE and 2 * SIDE + 2 * LINE <= height < 2.5 * SIDE + 2 * LINE
