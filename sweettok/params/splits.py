"""How a data set's clips fall into train, val and test."""

import re
from typing import Annotated, Literal

import pydantic
from pydantic import Field, NonNegativeInt, PositiveInt

from sweettok.params.section import Probability, Section

Names = Annotated[tuple[str, ...], Field(strict=False)]


class SplitSizes(Section):
    """Number of clips in each split."""

    train: PositiveInt
    val: PositiveInt
    test: PositiveInt


class ClipCounts(Section):
    """Number of clips to take for each split, drawn by seed; null: all there are."""

    train: PositiveInt | None
    val: PositiveInt | None
    test: PositiveInt | None


class GroupSplit(Section):
    """Split by performer, source ...: all files of a group fall into one split."""

    by: Literal["group"]
    pattern: str = Field(
        description="regular expression searched in class/file; its group 1, or else match, is a group"
    )
    val: Probability | Names = Field(description="share of the groups, or their list")
    test: Probability | Names = Field(description="share of the groups, or their list")

    @pydantic.field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression ({error})") from error
        return pattern


class TimeSplit(Section):
    """Split each file in time: first train, then val, then test."""

    by: Literal["time"]
    val: Probability = Field(description="share of a file's frames")
    test: Probability = Field(description="share of a file's frames, at its end")
    gap: NonNegativeInt = Field(description="frames left out between two splits, beside that windows never overlap")


class RandomSplit(Section):
    """Split the files at random, by seed."""

    by: Literal["random"]
    val: Probability
    test: Probability


class FolderSplit(Section):
    """Splits have their own folders root/<folder>/<class>/<file>; a share is taken from train, at random by seed."""

    by: Literal["folder"]
    train: str
    val: str | Probability
    test: str | Probability


VideoSplit = Annotated[GroupSplit | TimeSplit | RandomSplit | FolderSplit, Field(discriminator="by")]
ImageSplit = Annotated[GroupSplit | RandomSplit | FolderSplit, Field(discriminator="by")]
