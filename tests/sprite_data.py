"""Params of small procedural clips, which many tests prepare."""

from typing import Any

from sweettok.params import SplitSizes, SpritesData
from sweettok.video.sprite_words import FACTORS


def sprites_data(
    clips: tuple[int, int, int] = (12, 4, 4),
    frames: int = 9,
    size: int = 16,
    motions: int = 3,
    factors: dict[str, Any] | None = None,
    **overrides: Any,
) -> SpritesData:
    """The richest world but for its first `motions`; `factors` are lists that stand in for its own.

    clips: of train, val and test; overrides: any other key of data.
    """
    train, val, test = clips
    settings = {"seed": 0, "clips_per_shard": None, "two_objects": 0.0} | overrides
    return SpritesData(
        name="sprites", clips=SplitSizes(train=train, val=val, test=test), frames=frames, size=size,
        factors=FACTORS | {"motion": FACTORS["motion"][:motions]} | (factors or {}), **settings,
    )  # fmt: skip
