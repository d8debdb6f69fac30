"""Tokens, indices and bits of a clip: token counts alone mislead (docs/paper.md, C11)."""

import math
from collections.abc import Iterable
from typing import NamedTuple


class TokenGroup(NamedTuple):
    """Tokens that are quantised alike.

    tokens  how many tokens a clip has in this group
    words   addressable words of each index of one token: (10481,) for one word a token (union lookup), or
            (adjectives, adjectives, nouns) for the composed lookup of the authors' code
    """

    tokens: int
    words: tuple[int, ...]


def token_count(groups: Iterable[TokenGroup]) -> int:
    """Tokens a clip."""
    return sum(group.tokens for group in groups)


def index_count(groups: Iterable[TokenGroup]) -> int:
    """Indices a clip: tokens times indices per token."""
    return sum(group.tokens * len(group.words) for group in groups)


def token_bits(groups: Iterable[TokenGroup]) -> float:
    """Bits a clip: every index costs log2 of the words it can address, without entropy coding.

    Paper (docs/paper.md, C11): 256 log2(10481) + 1024 log2(11139) = 17,185 bits.
    Raises ValueError (no tokens, no words).
    """
    bits = 0.0
    for tokens, words in groups:
        if tokens < 1 or not words or min(words) < 1:
            raise ValueError(f"a token group has at least 1 token and 1 word an index, got {tokens} and {words}")
        bits += tokens * sum(math.log2(size) for size in words)
    return bits
