"""Pixels the way a player shows them: all eight orientations of a display matrix."""

import math
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type

_MIXED = 0.1  # of a matrix's larger entries; beyond it the angle is not a multiple of 90 degrees


def display_matrix(frame: "av.VideoFrame") -> np.ndarray | None:
    """What the container or the stream says of a frame, (3, 3) in FFmpeg's order; None where it says nothing."""
    try:
        side_data: Any = frame.side_data  # a mapping by Type, which PyAV's types do not say
        data = side_data.get(Type.DISPLAYMATRIX)
    except ValueError:  # PyAV stumbles over kinds of side data newer than itself; the rotation it finds all the same
        turn = math.radians(frame.rotation)
        return np.array([[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]])
    return None if data is None else np.frombuffer(data, np.int32).reshape(3, 3)


def upright(pixels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(h, w, 3) turned and mirrored as `matrix` says -> (H, W, 3), a view.

    matrix: (3, 3) of any unit: (x, y) is shown at (x, y, 1) @ matrix, y down. One of zeros, as some writers leave it, says
    nothing. Raises ValueError for an angle that is not a multiple of 90 degrees.
    """
    (a, b), (c, d) = matrix[:2, :2].astype(float)
    straight, across = max(abs(a), abs(d)), max(abs(b), abs(c))
    if straight == across == 0:
        return pixels
    if min(straight, across) > _MIXED * max(straight, across):
        raise ValueError("its display matrix turns it by an angle other than 90, 180 or 270 degrees; save it upright")
    if across > straight:
        pixels, to_left, to_top = pixels.swapaxes(0, 1), c < 0, b < 0
    else:
        to_left, to_top = a < 0, d < 0
    return pixels[:: -1 if to_top else 1, :: -1 if to_left else 1]
