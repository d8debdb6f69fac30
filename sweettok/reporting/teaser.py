"""The moving picture of the README: clips, what the tokenizer makes of them, and the words in between."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sweettok.reporting.pictures import CLIP_GAP, CLIPS_SHOWN, over_time, save_gif

SIDE = 128  # pixels of an enlarged frame
WORDS = 2  # the most frequent ones of each token group
LINE = 15  # pixels


def save_teaser(strips: Mapping[str, np.ndarray], clip_words: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A column a clip: the original, SweetTok's reconstruction, and the clip's most frequent words of each token group."""
    shown = min(CLIPS_SHOWN, len(clip_words), *map(len, strips.values()))
    frames = over_time([list(strips[name][:shown]) for name in ("original", "sweettok")], SIDE)
    captions = [frequent_words(clip["words"]) for clip in clip_words[:shown]]
    text = _drawn(captions, frames[0].shape[1])
    save_gif([np.concatenate([frame, text]) for frame in frames], path)


def frequent_words(words: Mapping[str, Sequence[str]]) -> list[str]:
    """Of each token group its most frequent words, as a line of text."""
    return [", ".join(word for word, _ in Counter(of_group).most_common(WORDS)) for of_group in words.values()]


def _drawn(captions: Sequence[Sequence[str]], width: int) -> np.ndarray:
    """A column of text below each clip, uint8 (h, w, 3)."""
    height = LINE * max(map(len, captions)) + 4
    image = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(10)
    column = (width + CLIP_GAP) / len(captions)
    for number, lines in enumerate(captions):
        for row, line in enumerate(lines):
            draw.text((round(number * column), LINE * row + 2), line, fill="black", font=font)
    return np.asarray(image)
