"""Pictures and clips inside the web page: WebP in data URIs, each within a number of bytes."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sweettok.reporting.pictures import FRAME_MILLISECONDS

PICTURE_BYTES, CLIP_BYTES = 40_000, 60_000  # of a dozen pictures and two clips, in base64, less than a megabyte
SMALL_CLIP_BYTES = 15_000  # of the clips that stand beside their words
CLIP_SIDE = 64  # pixels; larger clips are made smaller
QUALITIES = (92, 80, 65, 50, 35, 20, 5)
EFFORT = 4  # libwebp's method; 6 takes three times as long for a few per cent


@dataclass(frozen=True)
class Embedded:
    """A data URI and the picture's size in pixels. still: of a clip its first frame, for readers who want no motion."""

    uri: str
    width: int
    height: int
    still: str = ""


def embed_picture(path: Path) -> Embedded:
    """A picture file, in at most as many pixels as it has."""
    with Image.open(path) as opened:
        return embed_array(np.asarray(opened.convert("RGB")))


def embed_array(picture: np.ndarray) -> Embedded:
    """One picture, uint8 (h, w, 3); a page enlarges it without smoothing."""
    image = Image.fromarray(picture)
    return Embedded(_uri(_webp([image], PICTURE_BYTES)), *image.size)


def embed_clip(frames: Sequence[np.ndarray], limit: int = CLIP_BYTES) -> Embedded:
    """Frames, uint8 (h, w, 3), that run in a loop of at most `limit` bytes; a page enlarges them without smoothing."""
    images = [Image.fromarray(frame) for frame in frames]
    moving = _webp(images, limit)
    return Embedded(_uri(moving), *images[0].size, still=_uri(_webp(images[:1], limit // 4)))


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


def _webp(images: Sequence[Image.Image], limit: int) -> bytes:
    """Without loss where that takes at most `limit` bytes, else in the best of QUALITIES that does, or the last."""
    motion: dict[str, Any] = {"save_all": True, "append_images": images[1:], "duration": FRAME_MILLISECONDS, "loop": 0}
    settings: list[dict[str, Any]] = [{"lossless": True}, *({"quality": quality} for quality in QUALITIES)]
    for quality in settings:
        content = BytesIO()
        images[0].save(content, "WEBP", method=EFFORT, **quality, **(motion if len(images) > 1 else {}))
        if content.tell() <= limit:
            break
    return content.getvalue()


def _uri(webp: bytes) -> str:
    return f"data:image/webp;base64,{b64encode(webp).decode('ascii')}"
