"""Frames of image and video files at a model's size, and their windows."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sweettok.errors import InputError
from sweettok.video import images
from sweettok.video.decode import ENDINGS as VIDEO_ENDINGS
from sweettok.video.decode import Unreadable, VideoIndex, read_window, video_index
from sweettok.video.resize_crop import resize_crop

ENDINGS = (*VIDEO_ENDINGS, *images.ENDINGS)
Change = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class FrameFile:
    """An image or video that can be read. fps: frames a second, None for an image or where the file does not say."""

    path: Path
    frames: int
    height: int
    width: int
    fps: Fraction | None
    _index: VideoIndex | None  # None: an image

    def read(self, start: int, count: int, change: Change = lambda frame: frame) -> NDArray[np.uint8]:
        """Frames start .. start + count - 1 as `change` makes them, uint8 (count, H, W, 3). Raises InputError."""
        try:
            if self._index is None:
                return change(images.read_image(self.path))[None]
            return read_window(self.path, start, 1, count, change, self._index)
        except Unreadable as error:
            raise InputError(f"{self.path}: {error}") from error


def open_frames(path: str | Path) -> FrameFile:
    """Look at a file: how many frames, of what size and rate. Raises InputError: absent, empty, damaged, unknown."""
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"{path}: expected an image or a video ({' '.join(ENDINGS)})")
    try:
        if path.suffix.lower() in images.ENDINGS:
            frame, index, fps = images.read_image(path), None, None
        else:
            index = video_index(path)
            frame, fps = read_window(path, 0, 1, 1, index=index)[0], _rate(path)
    except Unreadable as error:
        raise InputError(f"{path}: {error}; give a whole image or video") from error
    height, width = frame.shape[:2]
    return FrameFile(path, index.frames if index else 1, height, width, fps, index)


def _rate(path: Path) -> Fraction | None:
    """Frames a second that the file states. It has been opened before, so that its container is a known one."""
    with av.open(path, container_options={"protocol_whitelist": "file"}, metadata_errors="replace") as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate
    return Fraction(rate).limit_denominator(1_000_000) if rate else None


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
