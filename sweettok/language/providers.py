"""The providers of word vectors, by the name they have in params (`codebook.provider`)."""

from collections.abc import Callable
from pathlib import Path

from sweettok.errors import InputError
from sweettok.language.cooccurrence import Cooccurrence
from sweettok.language.text_encoders import CLIPText, MiniLM, Qwen, Transformer
from sweettok.language.word_vectors import Hashed, WordVectors

PROVIDERS: dict[str, Callable[..., WordVectors]] = {
    provider.name: provider for provider in (MiniLM, CLIPText, Qwen, Transformer, Cooccurrence, Hashed)
}


def open_word_vectors(name: str, path: str | Path | None = None) -> WordVectors:
    """The provider of that name. Raises InputError (unknown name, weights absent or wrong)."""
    if name not in PROVIDERS:
        raise InputError(f"codebook.provider {name!r} is unknown; choose one of {', '.join(PROVIDERS)}")
    return PROVIDERS[name](path)
