"""Section on the tokenizers that are measured side by side."""

from typing import Annotated, Any

import pydantic
from pydantic import AfterValidator, Field

from sweettok.params.section import Section

MAIN = "sweettok"  # the model that this project is about: the prior, the semantics and the report are of it
# A stage's name and a folder of DVC
TokenizerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")]


class TokenizerEntry(Section):
    """Who makes a tokenizer; further keys are the factory's options (see sweettok.tokenizers.registry)."""

    model_config = pydantic.ConfigDict(extra="allow")

    factory: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="package.module:function, or null for the entry point of this name that an installed package has",
    )

    @property
    def options(self) -> dict[str, Any]:
        """What the factory is called with, beside name, frames and size."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def pretrained(self) -> bool:
        """Whether its weights are a checkpoint of another project (docs/run-a-checkpoint.md)."""
        return (self.factory or "").endswith(":from_checkpoint")


def _with_main(entries: dict[str, TokenizerEntry]) -> dict[str, TokenizerEntry]:
    if MAIN not in entries:
        raise ValueError(f"{MAIN} is missing, the model that all others stand beside; compare params.yaml")
    return entries


# Name -> entry, in the order of the tables' rows
Tokenizers = Annotated[dict[TokenizerName, TokenizerEntry], AfterValidator(_with_main)]
