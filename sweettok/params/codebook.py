"""Section on captions and the words taken from them."""

from typing import Literal

from pydantic import Field, PositiveInt

from sweettok.params.section import Section


class Codebook(Section):
    """How words are taken from captions and turned into vectors (stage build_codebook)."""

    captions: str | None = Field(
        description="caption file (.txt: one a line; .tsv: column `caption`); null: the data's own"
    )
    min_count: PositiveInt = Field(description="a word must occur at least this often")
    provider: Literal["minilm", "hashed"]
    provider_path: str | None = Field(description="folder with the provider's weights; null: the installed package")
