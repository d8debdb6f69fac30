"""The text world: clips of one moving word in capitals, so that the height of one letter is that of all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from sweettok.api.writing import write_frames
from sweettok.errors import InputError
from sweettok.regions.measures import LABELS
from sweettok.storage import atomic_directory

WORDS = """SUN SKY SEA MAP BOX CUP HAT PEN KEY BUS CAR DOG CAT FOX OWL BEE TREE LEAF RAIN SNOW WIND MOON STAR LAKE ROAD BIRD
FISH BOOK DOOR LAMP CLOCK HOUSE RIVER STONE GRASS BREAD APPLE TRAIN PLANE CHAIR TABLE GLASS MUSIC NIGHT QUEEN WINTER GARDEN
BRIDGE MARKET SCHOOL WINDOW YELLOW PURPLE ORANGE ISLAND FOREST JUNGLE CASTLE ROCKET SUMMER"""
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono")  # they come with matplotlib
CAPITALS = 0.729  # height of their capitals, as a share of the font's size
HEIGHTS = (6, 8, 10, 12, 16, 20, 24, 32)  # of letters in pixels; a clip takes those up to a quarter of its size
SPEEDS = (0.0, 0.5, 1.0, 2.0)  # pixels a frame


def write_word_clips(folder: str | Path, clips: int, frames: int, size: int, seed: int) -> None:
    """Lossless clips, and captions.jsonl with their words, in a new folder. Raises InputError (it exists, no word fits)."""
    if Path(folder).exists():
        raise InputError(f"{folder} exists; name a new folder")
    with atomic_directory(folder) as made, open(made / LABELS, "w", encoding="utf-8") as labels:
        for index in range(clips):
            pictures, label = draw_word_clip(seed, index, frames, size)
            write_frames(made / f"{index:06d}.mkv", pictures)
            labels.write(json.dumps({"clip": f"{index:06d}.mkv"} | label) + "\n")


def draw_word_clip(seed: int, index: int, frames: int, size: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Clip number `index` of a seed: uint8 (T, size, size, 3), and its label: caption and `words`.

    Heights take turns; word, font, colours, place and motion are drawn. Raises InputError where no word fits.
    """
    import matplotlib

    rng = np.random.default_rng([seed, index])
    heights = [height for height in HEIGHTS if 4 * height <= size] or HEIGHTS[:1]
    height, free = heights[index % len(heights)], size - 2  # a pixel of margin on each side
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{FONTS[rng.integers(len(FONTS))]}.ttf")
    font = ImageFont.truetype(str(path), height / CAPITALS)
    inks = {word: np.array(font.getbbox(word, anchor="ls")) for word in WORDS.split()}  # left, top, right, bottom
    fitting = [word for word, ink in inks.items() if (ink[2:] - ink[:2]).max() <= free]
    if not fitting:
        raise InputError(f"no word of {height} pixels fits into {size}x{size}; raise --size")
    word = fitting[rng.integers(len(fitting))]
    start, extent, direction = inks[word][:2], inks[word][2:] - inks[word][:2], rng.normal(size=2)
    speed, room = SPEEDS[rng.integers(len(SPEEDS))], np.maximum(free - extent, 1e-6)
    steps = np.outer(np.arange(frames), speed * direction / np.linalg.norm(direction))
    corners = 1 + room - np.abs(room - (rng.uniform(0, room) + steps) % (2 * room))  # (T, 2); it turns at the margins
    colours = [tuple(rng.integers(low, low + 80, 3).tolist()) for low in (0, 176)]
    ground, ink = colours if rng.random() < 0.5 else colours[::-1]
    pictures = [Image.new("RGB", (size, size), ground) for _ in corners]
    for picture, corner in zip(pictures, corners, strict=True):
        ImageDraw.Draw(picture).text(tuple(corner - start), word, ink, font, anchor="ls")
    inked = [ImageChops.difference(picture, Image.new("RGB", (size, size), ground)).getbbox() for picture in pictures]
    boxes = [[left, top, right - left, bottom - top] for left, top, right, bottom in filter(None, inked)]
    label = {"caption": f"the word {word}", "words": [{"text": word, "height": height, "boxes": boxes}]}
    return np.stack([np.asarray(picture) for picture in pictures]), label
