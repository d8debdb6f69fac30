"""Sections on clips and captions."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from sweettok.params.section import Probability, Section


class SplitSizes(Section):
    """Number of clips in each split."""

    train: PositiveInt
    val: PositiveInt
    test: PositiveInt


class Data(Section):
    """Which clips, how many, how large (stage prepare_data)."""

    name: Literal["sprites"]
    clips: SplitSizes
    frames: PositiveInt = Field(description="frames a clip, 1 + k * patches.temporal")
    size: PositiveInt = Field(description="height and width in pixels")
    seed: NonNegativeInt
    two_objects: Probability = Field(description="share of clips with a second, partly occluding object")
    classes: PositiveInt = Field(ge=2, le=10, description="number of motion verbs (the class of a clip)")


class Codebook(Section):
    """How words are taken from captions and turned into vectors (stage build_codebook)."""

    captions: str | None = Field(
        description="caption file (.txt: one a line; .tsv: column `caption`); null: the data's own"
    )
    min_count: PositiveInt = Field(description="a word must occur at least this often")
    provider: Literal["minilm", "hashed"]
    provider_path: str | None = Field(description="folder with the provider's weights; null: the installed package")


class Patches(Section):
    """Patch geometry, shared by the proxy and the tokenizers (paper: 8 and 4)."""

    spatial: PositiveInt = Field(description="pixels a side")
    temporal: PositiveInt = Field(description="frames, for all but the first frame")
