"""Sprites: a procedural video world with known factors, captions and classes, made from a seed.

A clip shows one object that moves over a textured background; a share of the clips has a second, smaller object in
front of it. Each clip depends on (seed, split, index) and the world's settings only. The class is the motion (a verb).
Which values a factor may have is a setting as well (data.factors): fewer make an easier world.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from sweettok import params
from sweettok.errors import InputError
from sweettok.video import sprite_motions, sprite_shapes
from sweettok.video.sprite_words import FACTORS, SYNONYMS, caption

__all__ = ["FACTORS", "SYNONYMS", "Sprite", "Sprites", "draw_sprite"]

_SPLIT_IDS = {"train": 0, "val": 1, "test": 2}
SIZES = {"small": 0.44, "medium": 0.56, "large": 0.7}  # half-width of an object in frame coordinates
_SECOND_SIZE = 0.75  # a second object is small, and smaller still than a small first one
_MIN_CONTRAST = 0.45  # mean squared difference in [-1, 1]; below it an object's motion would hardly show


@dataclass(frozen=True)
class Sprite:
    """One clip: frames uint8 (T, H, W, 3), the main object's and background's factors, and an English caption."""

    frames: np.ndarray
    factors: dict[str, str]
    caption: str


@dataclass(frozen=True)
class _Object:
    factors: dict[str, str]
    path: sprite_motions.Path
    direction: str | None
    radius: float
    texture_offset: tuple[float, float]


@dataclass(frozen=True)
class _World:
    """What clips are drawn from: each factor's values, and of each colour the (tint, light) it stands out from."""

    values: dict[str, tuple[str, ...]]
    grounds: dict[str, list[tuple[str, str]]]


@cache
def _world_of(factors: params.SpriteFactors) -> _World:
    """Values in the order of FACTORS, however params list them. Raises InputError: a colour without a background."""
    values = {
        factor: tuple(value for value in known if value in getattr(factors, factor))
        for factor, known in FACTORS.items()
    }
    grounds = {
        colour: [
            (tint, light)
            for tint in values["tint"]
            for light in values["light"]
            if sprite_shapes.contrast(colour, tint, light) >= _MIN_CONTRAST
        ]
        for colour in values["colour"]
    }
    if hidden := [colour for colour, found in grounds.items() if not found]:
        raise InputError(
            f"data.factors.colour: {', '.join(hidden)} would hardly show on any background of the listed tints and "
            "lights; add values to data.factors.tint or data.factors.light, or remove the colour"
        )
    return _World(values, grounds)


def _choice(rng: np.random.Generator, values: tuple[str, ...]) -> str:
    return values[rng.integers(len(values))]


def _draw_object(rng: np.random.Generator, factors: dict[str, str], frames: int, scale: float = 1.0) -> _Object:
    radius = scale * SIZES[factors["size"]] * float(rng.uniform(0.95, 1.05))
    path, direction = sprite_motions.draw_path(
        rng, frames, factors["motion"], factors["speed"], factors["manner"], radius
    )
    return _Object(factors, path, direction, radius, tuple(rng.random(2).tolist()))


def _draw_factors(rng: np.random.Generator, world: _World, motion: str) -> dict[str, str]:
    """Factors drawn independently, but for the background's: those too near the object's colour are left out."""
    factors = {factor: _choice(rng, values) for factor, values in world.values.items()} | {"motion": motion}
    grounds = world.grounds[factors["colour"]]
    factors["tint"], factors["light"] = grounds[rng.integers(len(grounds))]
    return factors


def _draw_second_factors(rng: np.random.Generator, world: _World, first: dict[str, str]) -> dict[str, str]:
    """A second object on the same background: of another shape and colour, so that words tell the two apart.

    It is small, also where the world lists no `small`: it must not hide the first. Captions say so.
    """
    other = {key: tuple(value for value in world.values[key] if value != first[key]) for key in ("shape", "colour")}
    drawn_factors = ("shape", "colour", "texture", "speed", "manner", "motion")
    drawn = {key: _choice(rng, other.get(key, world.values[key])) for key in drawn_factors}
    return first | drawn | {"size": "small"}


def _render(rng: np.random.Generator, size: int, objects: list[_Object]) -> np.ndarray:
    """Background, then the objects one over another: uint8 (T, size, size, 3)."""
    factors = objects[0].factors
    grid = sprite_shapes.frame_grid(size)
    canvas = sprite_shapes.render_background(
        grid,
        factors["background"],
        sprite_shapes.tones(factors["tint"], factors["light"]),
        degrees=float(rng.uniform(0, 180)),
        period=float(rng.uniform(0.9, 1.4)),
        offset=tuple(rng.uniform(-0.5, 0.5, 2).tolist()),
    )[:, None]  # (3, 1, size, size)
    for thing in objects:
        colour, coverage = sprite_shapes.render_object(
            grid,
            thing.factors["shape"],
            thing.factors["texture"],
            sprite_shapes.shades(thing.factors["colour"]),
            thing.texture_offset,
            thing.path.x,
            thing.path.y,
            thing.radius * thing.path.scale,
            thing.path.angle,
        )
        alpha = coverage * thing.path.visible[:, None, None]  # (T, size, size)
        canvas = canvas + alpha * (colour - canvas)
    return np.ascontiguousarray(np.moveaxis((canvas * 255 + 0.5).astype(np.uint8), 0, -1))


def draw_sprite(data: params.SpritesData, split: str, index: int) -> Sprite:
    """The clip number `index` of a split. Motions take turns, so that the classes are balanced in any split.

    Raises InputError: data.factors has a colour that none of its backgrounds lets show.
    """
    rng = np.random.default_rng([data.seed, _SPLIT_IDS[split], index])
    world = _world_of(data.factors)
    motions = world.values["motion"]
    factors = _draw_factors(rng, world, motions[index % len(motions)])
    objects = [_draw_object(rng, factors, data.frames)]
    if rng.random() < data.two_objects:
        objects.append(_draw_object(rng, _draw_second_factors(rng, world, factors), data.frames, _SECOND_SIZE))
    frames = _render(rng, data.size, objects)
    second = (objects[1].factors, objects[1].direction) if len(objects) > 1 else None
    return Sprite(frames, factors, caption(rng, factors, objects[0].direction, second))


class Sprites:
    """The sprites as a source of clips for `prepare`. Raises InputError as `draw_sprite` does."""

    def __init__(self, data: params.SpritesData):
        self.data = data
        self.classes = list(_world_of(data.factors).values["motion"])

    def clips(self, split: str) -> Iterator[tuple[np.ndarray, dict[str, str | int]]]:
        """(frames uint8 (T, H, W, 3), labels row) of each clip of a split, in order."""
        for index in range(getattr(self.data.clips, split)):
            sprite = draw_sprite(self.data, split, index)
            motion = sprite.factors["motion"]
            row: dict[str, str | int] = {
                "clip": f"{split}-{index:06d}",
                "class": motion,
                "label": self.classes.index(motion),
                "caption": sprite.caption,
                **{f"factor:{factor}": value for factor, value in sprite.factors.items()},
            }
            yield sprite.frames, row
