"""Resize by the shorter side, then crop a square."""

import numpy as np
from PIL import Image


def resize_crop(frame: np.ndarray, shorter_side: int, size: int, place: tuple[float, float] = (0.5, 0.5)) -> np.ndarray:
    """uint8 (h, w, 3) -> uint8 (size, size, 3): shorter side resized to `shorter_side`, then a crop at `place`.

    place: where the crop stands within the room there is, (across, down) in [0, 1]; (0.5, 0.5) is the centre. The crop
    stands on whole pixels of the resized frame. Bicubic, antialiased (Pillow); only the cropped part is computed, so
    the cost is bounded whatever the aspect ratio. Without a change of scale the pixels are the frame's own.
    Raises ValueError where the crop is larger than the resized frame.
    """
    if size > shorter_side:
        raise ValueError(f"expected a crop of at most {shorter_side} pixels, the shorter side, got {size}")
    sides = frame.shape[1], frame.shape[0]  # across, down
    resized = [max(round(side * shorter_side / min(sides)), shorter_side) for side in sides]
    steps = [side / target for side, target in zip(sides, resized, strict=True)]  # source pixels a resized pixel
    corner = [round((target - size) * share) for target, share in zip(resized, place, strict=True)]
    begin = [at * step for at, step in zip(corner, steps, strict=True)]
    end = [min((at + size) * step, side) for at, step, side in zip(corner, steps, sides, strict=True)]
    picture = Image.fromarray(frame).resize((size, size), Image.Resampling.BICUBIC, box=(*begin, *end))
    return np.asarray(picture)
