"""Clips as pictures: reconstruction strips, grids and a GIF of samples. Pixels are enlarged without smoothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from sweettok.reporting.names import method_title

FRAMES_SHOWN = 5
CLIPS_SHOWN = 4
SAMPLES_A_CLASS = 2
GIF_ROWS = 3
CLASSES_SHOWN = 12
FRAME_MILLISECONDS = 120
TILE = 64  # pixels a side of an enlarged frame, at least
FRAME_GAP, CLIP_GAP = 2, 8  # white pixels after a frame, after a clip's last frame
DPI = 100
NAME_LENGTH = 26  # characters a line of a row's name


def frame_places(frames: int) -> list[int]:
    """Evenly spaced frames with the first and the last: of 17, frames 0, 4, 8, 12, 16."""
    return sorted({round(place) for place in np.linspace(0, frames - 1, min(FRAMES_SHOWN, frames))})


def reconstruction_strips(strips: Mapping[str, np.ndarray] | None) -> Figure | None:
    """Rows: the original, then every method; columns: a few frames of each of four clips. uint8 (n, T, H, W, 3)."""
    if not strips:
        return None
    shown = strip_clips(strips)
    places = frame_places(len(shown["original"][0]))
    rows = [_row([[clip[place] for place in places] for clip in clips]) for clips in shown.values()]
    columns = [f"clip {clip + 1}: frames {', '.join(map(str, places))}" for clip in range(len(shown["original"]))]
    return _labelled(rows, list(shown), columns)


def shown_classes(samples: Mapping[str, np.ndarray]) -> dict[int, str]:
    """Label -> name of the classes in pictures of samples: all that have any or, of more than 12, 12 evenly spaced."""
    sampled = np.unique(samples["labels"])
    places = np.linspace(0, len(sampled) - 1, min(CLASSES_SHOWN, len(sampled))).round().astype(int)
    return {int(label): str(samples["classes"][label]) for label in sampled[places]}


def classes_in_words(samples: Mapping[str, np.ndarray]) -> str:
    """For a caption: "8 classes", or "12 of 90 classes, evenly spaced in their list"."""
    shown, there = len(shown_classes(samples)), len(samples["classes"])
    chosen = ", evenly spaced in their list" if there > shown == CLASSES_SHOWN else ""
    return f"{there} classes" if shown == there else f"{shown} of {there} classes{chosen}"


def sample_grid(samples: Mapping[str, np.ndarray]) -> Figure:
    """One row a class of `shown_classes`, two generated clips beside each other.

    samples: uint8 (n, T, H, W, 3), labels (n,), classes.
    """
    shown = sample_clips(samples, SAMPLES_A_CLASS)
    places = frame_places(samples["samples"].shape[1])
    rows = [_row([[clip[place] for place in places] for clip in clips]) for clips in shown.values()]
    columns = [f"sample {number + 1}: frames {', '.join(map(str, places))}" for number in range(SAMPLES_A_CLASS)]
    return _labelled(rows, list(shown), columns)


def save_sample_gif(samples: Mapping[str, np.ndarray], path: Path) -> None:
    """Animate generated clips: one column a class of `shown_classes`, three samples below each other."""
    save_gif(sample_frames(samples), path)


def save_gif(frames: Sequence[np.ndarray], path: Path) -> None:
    """Animate pictures of one size, uint8 (h, w, 3)."""
    images = [Image.fromarray(frame) for frame in frames]
    # one palette for all frames: a palette a frame flickers
    palette = Image.fromarray(np.concatenate(frames[::4], axis=0)).quantize(255, dither=Image.Dither.NONE)
    paletted = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    paletted[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=paletted[1:],
        duration=FRAME_MILLISECONDS,
        loop=0,
        optimize=True,
    )


def sample_frames(samples: Mapping[str, np.ndarray], side: int = TILE) -> list[np.ndarray]:
    """Generated clips over time, one column a class of `shown_classes`, three in each: T times uint8 (h, w, 3).

    side: pixels to which a frame is enlarged, at least.
    """
    columns = list(sample_clips(samples).values())
    return over_time([[column[row] for column in columns] for row in range(GIF_ROWS)], side)


def sample_clips(samples: Mapping[str, np.ndarray], a_class: int = GIF_ROWS) -> dict[str, list[np.ndarray]]:
    """Class (those of `shown_classes`) -> generated clips, uint8 (T, H, W, 3); white ones where there are fewer."""
    clips, labels = samples["samples"], samples["labels"]
    blank = np.full(clips.shape[1:], 255, dtype=np.uint8)
    found = {}
    for label, name in shown_classes(samples).items():
        chosen = list(clips[labels == label][:a_class])
        found[name] = chosen + [blank] * (a_class - len(chosen))
    return found


def strip_clips(strips: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Method, as readers call it -> the clips of `reconstruction_strips`, uint8 (T, H, W, 3)."""
    shown = min(CLIPS_SHOWN, *map(len, strips.values()))
    return {method_title(name): list(clips[:shown]) for name, clips in strips.items()}


def over_time(rows: Sequence[Sequence[np.ndarray]], side: int = TILE) -> list[np.ndarray]:
    """Rows of clips (T, H, W, 3) -> T pictures of them, uint8 (h, w, 3). side: as in `sample_frames`."""
    return [
        np.concatenate([_row([[clip[time] for clip in row]], side)[:, :-CLIP_GAP] for row in rows], axis=0)
        for time in range(len(rows[0][0]))
    ]


def _row(groups: Sequence[Sequence[np.ndarray]], side: int = TILE) -> np.ndarray:
    """Groups of frames (H, W, 3), enlarged, side by side with white gaps: uint8 (h, w, 3)."""
    tiles = []
    for group in groups:
        tiles += [_tile(frame, side, FRAME_GAP) for frame in group[:-1]] + [_tile(group[-1], side, CLIP_GAP)]
    return np.concatenate(tiles, axis=1)


def _tile(frame: np.ndarray, side: int, gap: int) -> np.ndarray:
    times = max(1, -(-side // frame.shape[0]))
    enlarged = frame.repeat(times, axis=0).repeat(times, axis=1)
    return np.pad(enlarged, ((0, FRAME_GAP), (0, gap), (0, 0)), constant_values=255)


def _labelled(rows: Sequence[np.ndarray], names: Sequence[str], columns: Sequence[str]) -> Figure:
    """Rows of pictures with names at the left and column titles above, one picture pixel a figure pixel."""
    picture = np.concatenate(rows, axis=0)  # (h, w, 3)
    height, width = picture.shape[:2]
    wrapped = [fill(name, NAME_LENGTH) for name in names]
    left = 20 + 7 * max(
        len(line) for name in wrapped for line in name.splitlines()
    )  # 8 pt text: under 7 pixels a letter
    whole = (left + width, height + 24)
    figure = Figure(figsize=(whole[0] / DPI, whole[1] / DPI), dpi=DPI, layout="none")  # type: ignore[arg-type]  # matplotlib takes it, its types do not
    figure.figimage(picture, xo=left, yo=0, origin="upper")
    for place, name in enumerate(wrapped):
        middle = height - (place + 0.5) * height / len(rows)
        figure.text((left - 8) / whole[0], middle / whole[1], name, ha="right", va="center", fontsize=8)
    for place, title in enumerate(columns):
        start = left + place * width / len(columns)
        figure.text(start / whole[0], (height + 6) / whole[1], title, ha="left", va="bottom", fontsize=8)
    return figure
