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
SLOWEST = Fraction(1, 600)
FASTEST = {
    ".mp4": 90_000,
    ".mkv": 1000,
    ".gif": 50,
    ".png": 65_535,
}  # that clocks tell apart; players slow faster .gif down


def write_frames(path: str | Path, frames: Iterable[np.ndarray], fps: Fraction | None = None) -> None:
    """Write uint8 frames (H, W, 3) of one size as the ending of `path` says, all or nothing.

    Videos are written frame by frame; of .gif and .png all frames are held. fps None: 25 where the form needs a rate.
    .mp4 halves the resolution of colour. .gif and .png merge neighbours that are equal, so that the pictures and their
    times are kept, not their number; .gif has times of 10 ms, rounded so that the mean rate holds, and 256 colours a frame.
    Raises InputError: another ending, a rate it cannot hold, no encoder, not writable. Raises ValueError for no frames.
    """
    path = Path(path)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("expected at least one frame")
    whole, rate, ending = itertools.chain([first], frames), fps or RATE, path.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f"{path}: frames can be written as {' '.join(ENDINGS)}; choose one of these endings")
    if not SLOWEST <= rate <= FASTEST[ending]:
        raise InputError(
            f"{path}: {ending} can hold {SLOWEST} to {FASTEST[ending]} frames a second, not {float(rate):g}; "
            "choose another ending or rate"
        )
    with atomic_file(path) as temporary:
        if ending in PICTURES:
            _write_pictures(temporary, whole, rate, PICTURES[ending])
        else:
            _write_video(temporary, whole, rate, *CODECS[ending])


def _write_pictures(path: Path, frames: Iterator[np.ndarray], rate: Fraction, form: str) -> None:
    first, *rest = map(Image.fromarray, frames)  # a list: Pillow goes through them twice
    if not rest:
        first.save(path, form)
    else:
        shown = [float(1000 / rate)] * (1 + len(rest))  # milliseconds
        if form == "GIF":
            ends = [round(100 * number / rate) for number in range(2 + len(rest))]  # in its unit of 10 ms
            shown = [10 * (end - start) for start, end in itertools.pairwise(ends)]
        first.save(path, form, save_all=True, append_images=rest, duration=shown, loop=0)  # 0: for ever


def _write_video(
    path: Path, frames: Iterator[np.ndarray], rate: Fraction, container: str, codec: str, pixels: str, options: dict
) -> None:
    if codec not in av.codecs_available:
        raise InputError(f"this PyAV has no encoder {codec}; write .gif, .png or .mkv instead")
    with av.open(path, "w", format=container) as output:
        rate = rate.limit_denominator(10_000)  # FFmpeg's numbers have 31 bits
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
