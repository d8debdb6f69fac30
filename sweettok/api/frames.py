"""Frames of image and video files at a model's size, and their windows."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sweettok.errors import InputError, one_line
from sweettok.video.decode import VideoIndex, read_window, video_index
from sweettok.video.formats import IMAGES, VIDEOS, Unreadable
from sweettok.video.images import ImageIndex, image_index, read_images
from sweettok.video.resize_crop import resize_crop

ENDINGS = (*VIDEOS, *IMAGES)
log = logging.getLogger(__name__)
Change = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class FrameFile:
    """An image or video that can be read. fps: frames a second on average, None for an image or where the file does not
    say; even: whether they come at equal distances."""

    path: Path
    frames: int
    height: int
    width: int
    fps: Fraction | None
    even: bool
    _index: VideoIndex | ImageIndex

    def read(self, start: int, count: int, change: Change = lambda frame: frame) -> NDArray[np.uint8]:
        """Frames start .. start + count - 1 as `change` makes them, uint8 (count, H, W, 3). Raises InputError."""
        try:
            if isinstance(self._index, ImageIndex):
                return read_images(self.path, start, count, change)
            return read_window(self.path, start, 1, count, change, self._index)
        except Unreadable as error:
            raise InputError(f"{self.path}: {error}") from error


def open_frames(path: str | Path) -> FrameFile:
    """Look at a file: how many frames, of what size and rate; logs where the one rate does not say when frames come.

    Raises InputError: absent, empty, damaged, unknown.
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        if not path.exists():
            raise InputError(f"{path} does not exist; give an image or a video ({' '.join(ENDINGS)})")
        raise InputError(f"{path}: expected an image or a video ({' '.join(ENDINGS)})")
    index: VideoIndex | ImageIndex
    try:
        if path.suffix.lower() in IMAGES:
            index = image_index(path)
            frame = read_images(path, 0, 1, lambda frame: frame)[0]
        else:
            index = video_index(path)
            frame = read_window(path, 0, 1, 1, index=index)[0]
    except Unreadable as error:
        remedy = "" if "; " in str(error) else "; give a whole image or video"
        raise InputError(f"{path}: {error}{remedy}") from error
    if not index.even:
        log.warning("%s: its frames come at uneven times; taken as even, at their mean rate", one_line(path))
    height, width = frame.shape[:2]
    return FrameFile(path, index.frames, height, width, index.rate, index.even, index)


def to_square(fit: str, size: int) -> Change:
    """The change that makes a frame size x size: "crop" (shorter side, then the centre, as the models were trained) or
    "stretch" (both sides, the whole picture)."""
    if fit == "crop":
        return partial(resize_crop, shorter_side=size, size=size)
    return partial(resized, height=size, width=size)


def resized(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (h, w, 3) -> uint8 (height, width, 3), bicubic, antialiased (Pillow)."""
    if frame.shape[:2] == (height, width):
        return frame
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC))


def windows_of(frames: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """(F, H, W, 3) -> (ceil(F / window), window, H, W, 3); the last one is filled up with copies of the last frame."""
    missing = -len(frames) % window
    whole = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
    return whole.reshape(-1, window, *frames.shape[1:])
