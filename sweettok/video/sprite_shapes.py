"""The look of the sprites: shapes, object textures and backgrounds as anti-aliased numpy masks.

Coordinates run from -1 to 1 over the frame, x to the right and y down; an object's own coordinates run from -1 to 1
over its diameter. A shape is its signed distance (negative inside), exact enough at the edge to anti-alias there.
A pattern is a mask in [0, 1] that mixes two colours. Colours are RGB in [0, 1].
"""

from collections.abc import Callable

import numpy as np

Array = np.ndarray

COLOURS = {
    "red": (0.90, 0.08, 0.10), "orange": (1.00, 0.50, 0.02), "yellow": (1.00, 0.92, 0.10), "green": (0.08, 0.78, 0.15),
    "cyan": (0.05, 0.88, 0.90), "blue": (0.08, 0.22, 0.98), "purple": (0.52, 0.08, 0.80), "pink": (1.00, 0.40, 0.75),
    "white": (1.00, 1.00, 1.00), "black": (0.02, 0.02, 0.02),
}  # fmt: skip
TINTS = {
    "sand": (0.92, 0.76, 0.46), "slate": (0.62, 0.68, 0.74), "moss": (0.52, 0.78, 0.36), "wine": (0.84, 0.40, 0.46),
    "ocean": (0.36, 0.56, 0.92),
}  # fmt: skip
LIGHTS = {"bright": (1.02, 0.76), "dim": (0.16, 0.38)}  # brightness of a background's two tones


def _turned(x: Array, y: Array, degrees: float) -> tuple[Array, Array]:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return cos * x + sin * y, cos * y - sin * x


def _box(x: Array, y: Array, half_width: float, half_height: float) -> Array:
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def _circle(x: Array, y: Array) -> Array:
    return np.hypot(x, y) - 0.95


def _square(x: Array, y: Array) -> Array:
    return _box(x, y, 0.82, 0.82)


def _triangle(x: Array, y: Array) -> Array:
    return np.maximum(0.88 * np.abs(x) - 0.475 * y - 0.46, y - 0.85)


def _star(x: Array, y: Array) -> Array:
    """Five points: folded into half a point, where the edge is one line from the tip to the notch."""
    sector = 2 * np.pi / 5
    angle = np.arctan2(x, -y)
    angle = np.abs((angle + sector / 2) % sector - sector / 2)
    radius = np.hypot(x, y)
    tip, notch = 1.15, 0.56
    edge = np.array([notch * np.cos(sector / 2) - tip, notch * np.sin(sector / 2)])
    normal = np.array([edge[1], -edge[0]]) / np.hypot(*edge)
    return (radius * np.cos(angle) - tip) * float(normal[0]) + radius * np.sin(angle) * float(normal[1])


def _cross(x: Array, y: Array) -> Array:
    return np.minimum(_box(x, y, 1.0, 0.4), _box(x, y, 0.4, 1.0))


def _ring(x: Array, y: Array) -> Array:
    return np.abs(np.hypot(x, y) - 0.72) - 0.32


def _heart(x: Array, y: Array) -> Array:
    """A square on its corner and two discs on its upper sides."""
    half = 0.58
    u, v = _turned(x, y - 0.15, 45)
    lobe = half / np.sqrt(2)
    discs = np.hypot(np.abs(x) - lobe, y - 0.15 + lobe) - half
    return np.minimum(_box(u, v, half, half), discs)


def _diamond(x: Array, y: Array) -> Array:
    return (1.1 * np.abs(x) + 0.74 * np.abs(y) - 0.8) / np.hypot(1.1, 0.74)


SHAPES: dict[str, Callable[[Array, Array], Array]] = {
    "circle": _circle, "square": _square, "triangle": _triangle, "star": _star,
    "cross": _cross, "ring": _ring, "heart": _heart, "diamond": _diamond,
}  # fmt: skip


def _soft(wave: Array, sharpness: float) -> Array:
    """A wave in [-1, 1] as a mask with soft edges."""
    return np.clip(0.5 + 0.5 * sharpness * wave, 0, 1)


def _plain(x: Array, y: Array, sharpness: float) -> Array:
    return np.zeros_like(x)


def _stripes(x: Array, y: Array, sharpness: float) -> Array:
    return _soft(np.sin(2 * np.pi * x), sharpness)


def _checks(x: Array, y: Array, sharpness: float) -> Array:
    return _soft(np.sin(np.pi * x) * np.sin(np.pi * y), 1.4 * sharpness)


def _dots(x: Array, y: Array, sharpness: float) -> Array:
    return _soft(np.cos(2 * np.pi * x) + np.cos(2 * np.pi * y) - 0.4, sharpness)


def _waves(x: Array, y: Array, sharpness: float) -> Array:
    return _soft(np.sin(2 * np.pi * (x + 0.22 * np.sin(2 * np.pi * 0.6 * y))), sharpness)


def _ripples(x: Array, y: Array, sharpness: float) -> Array:
    return _soft(np.sin(2 * np.pi * np.hypot(x, y)), sharpness)


def _glossy(x: Array, y: Array, sharpness: float) -> Array:
    """Lit from above: a bright upper left, a dark lower right."""
    return np.clip(0.75 * np.hypot(x + 0.5, y + 0.5) - 0.35, 0, 1)


def _gradient(x: Array, y: Array, sharpness: float) -> Array:
    return np.clip(0.5 + 0.3 * x, 0, 1)


Pattern = Callable[[Array, Array, float], Array]
TEXTURES: dict[str, Pattern] = {
    "plain": _plain, "striped": _stripes, "dotted": _dots, "checkered": _checks, "glossy": _glossy,
}  # fmt: skip
BACKGROUNDS: dict[str, Pattern] = {
    "plain": _plain, "gradient": _gradient, "stripes": _stripes, "checks": _checks, "dots": _dots, "waves": _waves,
    "ripples": _ripples,
}  # fmt: skip


def frame_grid(size: int) -> tuple[Array, Array]:
    """x and y of each pixel's centre, float32 (size, size)."""
    line = ((np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1).astype(np.float32)
    return np.meshgrid(line, line, indexing="xy")


def tones(tint: str, light: str) -> Array:
    """The two colours of a background, (2, 3)."""
    return np.clip(np.outer(LIGHTS[light], TINTS[tint]), 0, 1).astype(np.float32)


def shades(colour: str) -> Array:
    """An object's colour and the second colour of its texture (much darker, or for dark colours lighter), (2, 3)."""
    base = np.array(COLOURS[colour], np.float32)
    luminance = base @ np.array([0.3, 0.59, 0.11], np.float32)
    return np.stack([base, 0.45 * base if luminance > 0.35 else 0.6 * base + 0.4])


def contrast(colour: str, tint: str, light: str) -> float:
    """Mean squared difference (over RGB in [-1, 1]) between an object's colour and the nearer background tone."""
    difference = 2 * (shades(colour)[0] - tones(tint, light))
    return float((difference**2).mean(axis=1).min())


def _mix(colours: Array, mask: Array) -> Array:
    """(2, 3) colours by a mask (...) in [0, 1] -> (3, ...): planes, as numpy is slow with a short last axis."""
    first, second = colours.reshape(2, 3, *[1] * mask.ndim)
    return first + mask * (second - first)


def render_background(
    grid: tuple[Array, Array], pattern: str, colours: Array, degrees: float, period: float, offset: tuple[float, float]
) -> Array:
    """A background, (3, size, size). period: one repeat of the pattern, in frame coordinates."""
    x, y = _turned(*grid, degrees)
    if pattern == "gradient":
        period = 1.0  # one sweep over the frame, wherever it starts
    elif pattern == "ripples":
        x, y = grid
    return _mix(colours, BACKGROUNDS[pattern](x / period + offset[0], y / period + offset[1], 2.0))


def render_object(
    grid: tuple[Array, Array],
    shape: str,
    texture: str,
    colours: Array,
    texture_offset: tuple[float, float],
    x: Array,
    y: Array,
    radius: Array,
    angle: Array,
) -> tuple[Array, Array]:
    """An object in every frame: colour (3, T, size, size) and coverage (T, size, size) in [0, 1].

    x, y, radius, angle: (T,) float32 centre and half-width in frame coordinates, rotation in radians.
    """
    per_frame = (slice(None), None, None)
    dx, dy = grid[0] - x[per_frame], grid[1] - y[per_frame]  # (T, size, size)
    cos, sin = (np.cos(angle) / radius)[per_frame], (np.sin(angle) / radius)[per_frame]
    u, v = cos * dx + sin * dy, cos * dy - sin * dx  # the object's own coordinates
    distance = SHAPES[shape](u, v)
    pixels = (radius * grid[0].shape[-1] / 2)[per_frame]  # pixels in one unit of the object's coordinates
    coverage = np.clip(0.5 - distance * pixels, 0, 1)
    shift_x, shift_y = (0, 0) if texture == "glossy" else texture_offset  # its highlight has a fixed place
    mask = TEXTURES[texture](u * 0.8 + shift_x, v * 0.8 + shift_y, 2.0)
    return _mix(colours, mask), coverage
