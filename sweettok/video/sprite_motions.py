"""The motion of the sprites: verb, speed and manner as a path through position, scale, angle and visibility.

Time is measured in units of 16 frames whatever the clip's length, so a longer clip goes on where a shorter one ends.
Positions are in frame coordinates ([-1, 1], y down). All motions repeat, so none runs out of the frame for good, and
even the slow ones move an object by about its own size within 16 frames.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
UNIT = 16  # frames in one unit of time

RATES = {"slow": 0.7, "medium": 1.1, "fast": 1.7}
_HEADINGS: dict[str | None, tuple[float, float]] = {
    "left": (-1.0, 0.0),
    "right": (1.0, 0.0),
    "up": (0.0, -1.0),
    "down": (0.0, 1.0),
}
_TURNS = {"clockwise": 1.0, "anticlockwise": -1.0}


@dataclass(frozen=True)
class Path:
    """An object's state in each frame, arrays of (T,). scale multiplies the object's size; visible is 0 or 1."""

    x: Array
    y: Array
    scale: Array
    angle: Array
    visible: Array


@dataclass(frozen=True)
class Move:
    """What a motion is drawn from: time (T,) already multiplied by the speed's rate, and seeded constants."""

    time: Array
    direction: str | None
    span: float  # distance after which a moving object, out of sight, comes in again on the other side
    home: tuple[float, float]  # in [-1, 1] each
    phase: float  # in [0, 1)

    def path(self, x: Array | float, y: Array | float, scale: Array | float = 1.0, angle: Array | float = 0.0) -> Path:
        x, y, scale, angle = (np.broadcast_to(value, self.time.shape) for value in (x, y, scale, angle))
        return Path(x, y, scale, angle, np.ones_like(self.time))


def _triangle_wave(cycles: Array) -> Array:
    """In [-1, 1], -1 at 0 and 1 at 0.5."""
    return 1 - 4 * np.abs(cycles % 1 - 0.5)


def _wrapped(distance: Array, span: float) -> Array:
    return (distance + span / 2) % span - span / 2


def _along(move: Move, forward: Array, across: Array | float) -> Path:
    """A path from distances along and across the heading."""
    heading_x, heading_y = _HEADINGS[move.direction]
    return move.path(heading_x * forward - heading_y * across, heading_y * forward + heading_x * across)


def _slide(move: Move) -> Path:
    return _along(move, _wrapped(-0.6 + 0.1 * move.home[0] + 1.05 * move.time, move.span), 0.35 * move.home[1])


def _bounce(move: Move) -> Path:
    height = np.abs(np.sin(np.pi * (1.3 * move.time + 0.25 * move.phase)))
    side = 1.0 if move.home[0] > 0 else -1.0
    return move.path(side * 0.5 * _triangle_wave(0.35 * move.time), 0.6 - 1.15 * height)


def _rotate(move: Move) -> Path:
    """Turns about a point on its rim, not its middle: round objects must be seen to turn as well."""
    angle = _TURNS[move.direction or ""] * 2 * np.pi * 0.62 * move.time
    start = 2 * np.pi * move.phase
    x = 0.2 * move.home[0] + 0.34 * np.cos(start + angle)
    y = 0.2 * move.home[1] + 0.34 * np.sin(start + angle)
    return move.path(x, y, angle=angle)


def _orbit(move: Move) -> Path:
    angle = 2 * np.pi * (move.phase + _TURNS[move.direction or ""] * 0.55 * move.time)
    return move.path(0.62 * np.cos(angle), 0.62 * np.sin(angle))


def _grow(move: Move) -> Path:
    return move.path(0.25 * move.home[0], 0.25 * move.home[1], scale=0.3 + 1.4 * ((0.97 * move.time) % 1))


def _shrink(move: Move) -> Path:
    return move.path(0.25 * move.home[0], 0.25 * move.home[1], scale=1.7 - 1.4 * ((0.97 * move.time) % 1))


def _zigzag(move: Move) -> Path:
    forward = _wrapped(-0.65 + 0.9 * move.time, move.span)
    return _along(move, forward, 0.5 * _triangle_wave(1.5 * move.time + 0.5 * round(move.phase)))


def _blink(move: Move) -> Path:
    steady = move.path(0.3 * move.home[0], 0.3 * move.home[1], scale=1.15)
    visible = ((2 * move.time) % 1 < 0.4).astype(move.time.dtype)
    return Path(steady.x, steady.y, steady.scale, steady.angle, visible)


def _shake(move: Move) -> Path:
    swing = 0.45 * np.cos(2 * np.pi * 2.1 * move.time)
    x, y = 0.2 * move.home[0], 0.2 * move.home[1]
    return move.path(x + swing, y) if move.direction == "sideways" else move.path(x, y + swing)


def _fall(move: Move) -> Path:
    """Falls faster and faster, and comes in again at the top."""
    fallen = move.time % 2.6
    return move.path(0.4 * move.home[0], _wrapped(-0.75 + 0.35 * fallen + 0.8 * fallen**2, move.span))


MOTIONS: dict[str, Callable[[Move], Path]] = {
    "slide": _slide, "bounce": _bounce, "rotate": _rotate, "orbit": _orbit, "grow": _grow, "shrink": _shrink,
    "zigzag": _zigzag, "blink": _blink, "shake": _shake, "fall": _fall,
}  # fmt: skip
DIRECTIONS_OF: dict[str, tuple[str, ...]] = {
    "slide": ("left", "right", "up"), "zigzag": ("left", "right", "up", "down"), "fall": ("down",),
    "rotate": tuple(_TURNS), "orbit": tuple(_TURNS), "shake": ("sideways", "upright"),
}  # fmt: skip


def _held(frames: Array, rng: np.random.Generator) -> Array:
    """For each frame, the frame it shows when time stands still for 2 or 3 frames at a time, (T,) int."""
    shown, start = np.empty_like(frames), 0
    while start < len(frames):
        length = int(rng.integers(2, 4))
        shown[start : start + length] = start
        start += length
    return shown


def draw_path(
    rng: np.random.Generator, frames: int, motion: str, speed: str, manner: str, size: float
) -> tuple[Path, str | None]:
    """A seeded path, and its direction (None: the motion has none). size: the object's half-width."""
    directions = DIRECTIONS_OF.get(motion)
    direction = directions[rng.integers(len(directions))] if directions else None
    home = (float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1)))
    phase, sway = rng.random(2)
    index = np.arange(frames)
    shown = _held(index, rng) if manner == "jerky" else index
    time = (shown / UNIT * RATES[speed]).astype(np.float32)
    path = MOTIONS[motion](Move(time, direction, 2 + 2 * size, home, float(phase)))
    if manner == "jerky":
        jolts = rng.normal(0, 0.05, (2, frames)).astype(np.float32)[:, shown]
        return Path(path.x + jolts[0], path.y + jolts[1], path.scale, path.angle, path.visible), direction
    if manner == "wobbly":
        swing = np.sin(2 * np.pi * (2.5 * index / UNIT + sway)).astype(np.float32)
        return Path(path.x + 0.08 * swing, path.y, path.scale, path.angle + 0.5 * swing, path.visible), direction
    return path, direction
