"""Section on captions and the words taken from them."""

from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from sweettok.params.section import Section


class PerPart(Section):
    """A number for each part of speech; one number alone stands for all four."""

    adjective: PositiveInt
    noun: PositiveInt
    adverb: PositiveInt
    verb: PositiveInt

    @model_validator(mode="before")
    @classmethod
    def _same_for_all(cls, value: Any) -> Any:
        return dict.fromkeys(cls.model_fields, value) if isinstance(value, int) else value


class Codebook(Section):
    """How words are taken from captions and turned into vectors (stage build_codebook)."""

    captions: str | None = Field(
        description="caption file (.txt: one a line; .tsv, .jsonl: column or field `caption`); null: the data's own"
    )
    captions_split: str | None = Field(description="use only the file's rows of this `split`, e.g. train; null: all")
    min_count: PerPart = Field(description="a word must occur at least this often")
    max_words: PerPart | None = Field(description="keep this many words, the most frequent; null: all")
    provider: Literal["minilm", "clip", "qwen", "transformers", "cooccurrence", "hashed"]
    provider_path: str | None = Field(
        description="the provider's weights, a folder or a name on the hub; null: its usual ones"
    )

    @model_validator(mode="after")
    def _check_split(self) -> "Codebook":
        if self.captions is None and self.captions_split is not None:
            raise ValueError("captions_split needs a caption file; of the data's own captions the training ones serve")
        return self
