"""How the tokens of a clip become one sequence of ids: spatial tokens, then temporal tokens (docs/design.md, Tokens).

A group of tokens (spatial, temporal) has one or more indices a token. With `union` lookup a token is one word index;
with `composed` lookup (docs/paper.md, C11) it is three, e.g. adjective, adjective, noun. Every index place of every
group owns a contiguous slice of one joint id range, so that an id says both which word and where it may stand:

    group      place        positions in the sequence      joint ids
    spatial    adjective    0, 3, 6, ...                   [0, 80)
    spatial    adjective    1, 4, 7, ...                   [80, 160)
    spatial    noun         2, 5, 8, ...                   [160, 280)
    temporal   ...

The class prefix is no part of these ids; the prior puts it in front (see `prior.Prior`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from sweettok.models.tokenizer import VideoTokenizer


@dataclass(frozen=True)
class TokenGroup:
    """Tokens that share a vocabulary: their number, and for each of a token's indices the range [first, stop) it has.

    `TokenGroup("spatial", 16, ((0, 200),))`: one index a token, 200 words.
    `TokenGroup("spatial", 16, ((0, 80), (0, 80), (0, 120)))`: adjective, adjective, noun, each counted from 0;
    `((0, 80), (0, 80), (80, 200))` where the tokenizer counts nouns on from the adjectives.
    """

    name: str
    tokens: int
    ranges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise ValueError(f"token group {self.name}: expected at least 1 token, given {self.tokens}")
        if not self.ranges or any(not 0 <= first < stop for first, stop in self.ranges):
            expected = "ranges (first, stop) with 0 <= first < stop"
            raise ValueError(f"token group {self.name}: expected {expected}, given {self.ranges}")


@dataclass(frozen=True)
class Place:
    """All sequence positions that predict from one slice of the joint ids."""

    group: str
    positions: slice
    ids: slice
    first: int  # the token index that ids.start stands for

    @property
    def words(self) -> int:
        return self.ids.stop - self.ids.start


@dataclass(frozen=True)
class TokenLayout:
    """The sequence of a clip's tokens; the same number of indices a token in all groups."""

    groups: tuple[TokenGroup, ...]

    def __post_init__(self) -> None:
        counts = {group.name: len(group.ranges) for group in self.groups}
        if len(set(counts.values())) != 1:
            raise ValueError(f"expected token groups with one common number of indices a token, given {counts}")

    @property
    def tokens(self) -> int:
        """Tokens a clip, N."""
        return sum(group.tokens for group in self.groups)

    @property
    def indices_per_token(self) -> int:
        return len(self.groups[0].ranges)

    @property
    def length(self) -> int:
        """Sequence length S = N * indices a token, without the class prefix."""
        return self.tokens * self.indices_per_token

    @property
    def vocabulary(self) -> int:
        """Number of joint ids V."""
        return self.places[-1].ids.stop

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The index places of all groups; together they cover each position once and each joint id once."""
        places, position, offset, step = [], 0, 0, self.indices_per_token
        for group in self.groups:
            end = position + group.tokens * step
            for index, (first, stop) in enumerate(group.ranges):
                ids = slice(offset, offset + stop - first)
                places.append(Place(group.name, slice(position + index, end, step), ids, first))
                offset = ids.stop
            position = end
        return tuple(places)

    @cached_property
    def _allowed(self) -> tuple[slice, ...]:
        ids_at = {p: place.ids for place in self.places for p in range(self.length)[place.positions]}
        return tuple(ids_at[position] for position in range(self.length))

    def allowed(self, position: int) -> slice:
        """Joint ids that may stand at `position` (0 is the first token's first index)."""
        if not 0 <= position < self.length:
            raise ValueError(f"expected a position in [0, {self.length}), given {position}")
        return self._allowed[position]

    def mask(self) -> Tensor:
        """bool (S, V): True where a joint id may stand."""
        mask = torch.zeros(self.length, self.vocabulary, dtype=torch.bool)
        for place in self.places:
            mask[place.positions, place.ids] = True
        return mask

    def flatten(self, tokens: Tensor) -> Tensor:
        """Tokens, int64 (B, N) or (B, N, indices a token) -> joint ids, int64 (B, S).

        Raises ValueError (shape, dtype, an index outside its place's range).
        """
        shape = (self.tokens,) if self.indices_per_token == 1 else (self.tokens, self.indices_per_token)
        if tokens.dtype != torch.int64 or tokens.shape[1:] != shape:
            expected = ", ".join(map(str, ("B", *shape)))
            raise ValueError(f"expected int64 tokens ({expected}), given {tokens.dtype} {tuple(tokens.shape)}")
        indices = tokens.reshape(len(tokens), self.length)  # (B, S)
        return self._shift(indices, to_joint=True)

    def unflatten(self, ids: Tensor) -> Tensor:
        """Joint ids, int64 (B, S) -> tokens, the inverse of `flatten`.

        Raises ValueError (shape, dtype, an id not allowed at its position).
        """
        if ids.dtype != torch.int64 or ids.shape[1:] != (self.length,):
            raise ValueError(f"expected int64 ids (B, {self.length}), given {ids.dtype} {tuple(ids.shape)}")
        indices = self._shift(ids, to_joint=False)  # (B, S)
        if self.indices_per_token == 1:
            return indices
        return indices.reshape(len(ids), self.tokens, self.indices_per_token)

    def _shift(self, values: Tensor, to_joint: bool) -> Tensor:
        """Move each place's values (B, positions) from its own range to its joint ids, or back, after a range check."""
        shifted = torch.empty_like(values)
        for place in self.places:
            at = values[:, place.positions]
            source, target = (place.first, place.ids.start) if to_joint else (place.ids.start, place.first)
            if at.numel() and not source <= at.min() <= at.max() < source + place.words:
                raise ValueError(
                    f"{place.group} tokens, positions from {place.positions.start}: expected indices in "
                    f"[{source}, {source + place.words}), given {at.min().item()} to {at.max().item()}"
                )
            shifted[:, place.positions] = at + (target - source)
        return shifted


def layout_of(tokenizer: "VideoTokenizer") -> TokenLayout:
    """The layout of a tokenizer's clips."""
    return TokenLayout(
        tuple(
            TokenGroup(name, tokenizer.groups[name], tuple((first, first + count) for first, count in quantizer.slots))
            for name, quantizer in tokenizer.quantizers.items()
        )
    )
