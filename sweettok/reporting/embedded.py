"""Pictures and films inside the web page: WebP in data URIs, each within a number of bytes."""

from base64 import b64encode
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PICTURE_BYTES, FILM_BYTES = 40_000, 30_000  # of a dozen pictures and two dozen films, in base64, under two megabytes
FRAME_BYTES = 5_000  # of a single frame of a clip
CLIP_SIDE = 64  # pixels; larger clips are made smaller
LONGEST = 16_383  # pixels a side of a WebP
QUALITIES = (95, 90, 80, 65, 50, 35, 20, 5)
EFFORT = 4  # libwebp's method; 6 takes three times as long for a few per cent


@dataclass(frozen=True)
class Embedded:
    """A data URI and the picture's size in pixels."""

    uri: str
    width: int
    height: int


def embed_picture(path: Path) -> Embedded:
    """A picture file, in at most as many pixels as it has."""
    with Image.open(path) as opened:
        return _embedded(np.asarray(opened.convert("RGB")), PICTURE_BYTES)


def embed_frame(frame: np.ndarray) -> Embedded:
    """One frame of a clip, uint8 (h, w, 3)."""
    return _embedded(frame, FRAME_BYTES)


def embed_film(clips: Sequence[np.ndarray]) -> Embedded:
    """Clips of one size, uint8 (T, h, w, 3), as one sheet: a row a clip, a column a frame, of which the page shows one.

    Clips too long for one sheet lose their end.
    """
    shown = [clip[: LONGEST // clip.shape[2]] for clip in clips]
    return _embedded(np.concatenate([np.concatenate(clip, axis=1) for clip in shown]), FILM_BYTES)


def shrink_clips(clips: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of which the clips, uint8 (n, T, H, W, 3), have at most 64 pixels a side: means over square blocks."""
    return {name: _reduced(values) if values.ndim == 5 else values for name, values in clips.items()}


def _reduced(clips: np.ndarray) -> np.ndarray:
    n, frames, height, width, channels = clips.shape
    side = -(-max(height, width) // CLIP_SIDE)
    if side == 1:
        return clips
    high, wide = height // side, width // side
    blocks = clips[:, :, : high * side, : wide * side].reshape(n, frames, high, side, wide, side, channels)
    return np.rint(blocks.mean(axis=(3, 5))).astype(np.uint8)


def _embedded(picture: np.ndarray, limit: int) -> Embedded:
    """Without loss where that takes at most `limit` bytes, else in the best of QUALITIES that does, or the last."""
    image = Image.fromarray(picture)
    content = _encoded(image, lossless=True)
    if len(content) > limit:
        fits = bisect_left(QUALITIES, True, hi=len(QUALITIES) - 1, key=lambda q: len(_encoded(image, quality=q)) <= limit)
        content = _encoded(image, quality=QUALITIES[fits])
    return Embedded(f"data:image/webp;base64,{b64encode(content).decode('ascii')}", *image.size)


def _encoded(image: Image.Image, **settings: Any) -> bytes:
    content = BytesIO()
    image.save(content, "WEBP", method=EFFORT, **settings)
    return content.getvalue()
