"""Write frames as a file: .mp4 (H.264), .mkv (FFV1, lossless), .gif, .png (lossless; of a video an animated one)."""

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from sweettok.errors import InputError
from sweettok.storage import atomic_file

# ending -> container, codec, pixel format, options. 4:2:0 is what all players take; it halves the resolution of colour, which
# costs clips of 32 pixels about 2 levels of 255 at any CRF: measure on .mkv.
CODECS = {
    ".mp4": ("mp4", "libx264", "yuv420p", {"crf": "12", "preset": "medium"}),
    ".mkv": ("matroska", "ffv1", "bgr0", {"level": "3", "slicecrc": "1"}),  # with checksums, which reading verifies
}
PICTURES = {".gif": "GIF", ".png": "PNG"}
ENDINGS = (*CODECS, *PICTURES)
RATE = Fraction(25)  # frames a second where the original has none


def write_frames(path: str | Path, frames: Iterable[np.ndarray], fps: Fraction | None = None) -> None:
    """Write uint8 frames (H, W, 3) of one size as the ending of `path` says, all or nothing.

    Videos are written frame by frame; of .gif and .png all frames are held. fps None: 25 where the form needs a rate.
    .mp4 halves the resolution of colour. .gif and .png merge neighbours that are equal, so that the pictures and their
    times are kept, not their number; .gif has times of 10 ms and 256 colours a frame.
    Raises InputError: another ending, no encoder, not writable. Raises ValueError for no frames.
    """
    path = Path(path)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("expected at least one frame")
    whole, rate = itertools.chain([first], frames), fps or RATE
    if path.suffix.lower() in PICTURES:
        with atomic_file(path) as temporary:
            _write_pictures(temporary, whole, rate, PICTURES[path.suffix.lower()])
    elif path.suffix.lower() in CODECS:
        with atomic_file(path) as temporary:
            _write_video(temporary, whole, rate, *CODECS[path.suffix.lower()])
    else:
        raise InputError(f"{path}: frames are written as {' '.join(ENDINGS)}; choose one of these endings")


def _write_pictures(path: Path, frames: Iterator[np.ndarray], rate: Fraction, form: str) -> None:
    first, *rest = map(Image.fromarray, frames)  # a list: Pillow goes through them twice
    if not rest:
        first.save(path, form)
    else:
        times = {"duration": float(1000 / rate), "loop": 0}  # milliseconds a frame, for ever
        first.save(path, form, save_all=True, append_images=rest, **times)


def _write_video(
    path: Path, frames: Iterator[np.ndarray], rate: Fraction, container: str, codec: str, pixels: str, options: dict
) -> None:
    if codec not in av.codecs_available:
        raise InputError(f"this PyAV has no encoder {codec}; write .gif, .png or .mkv instead")
    with av.open(path, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate, options=options)  # of video, but PyAV's types leave it open
        stream.pix_fmt = pixels
        for number, frame in enumerate(map(_even, frames) if pixels == "yuv420p" else frames):
            if number == 0:
                stream.height, stream.width = frame.shape[:2]
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        output.mux(stream.encode())


def _even(frame: np.ndarray) -> np.ndarray:
    """With even sides, which 4:2:0 needs: the last row or column repeated."""
    return np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), mode="edge")
