"""What every quantiser gives, and what all of them share: codes scored in chunks, usage, the check of indices."""

from dataclasses import dataclass

from torch import Tensor

SCORES_AT_ONCE = 2**22  # scores of tokens with words in memory at a time (16 MB): beyond it tokens come in chunks


@dataclass(frozen=True)
class Quantized:
    """z_q (B, N, D) for the decoder, indices (B, N) or (B, N, 3), loss (scalar), usage: share of words in this batch."""

    z_q: Tensor
    indices: Tensor
    loss: Tensor
    usage: float


def in_chunks(tokens: Tensor, words: int) -> tuple[Tensor, ...]:
    """Tokens (M, d) in chunks whose scores with `words` words are at most SCORES_AT_ONCE, or one token's."""
    return tokens.split(max(1, SCORES_AT_ONCE // words))


def usage_of(indices: Tensor, size: int) -> float:
    """Share of `size` codes that occur among the indices."""
    return indices.unique().numel() / size


def check_indices(indices: Tensor, slots: list[tuple[int, int]]) -> None:
    """Each index of a token must be a word that its slot allows. Raises ValueError."""
    columns = indices[..., None] if len(slots) == 1 else indices  # (B, N, slots)
    if columns.shape[-1] != len(slots):
        raise ValueError(f"expected (B, N, {len(slots)}) indices, got {tuple(indices.shape)}")
    for place, (start, count) in enumerate(slots):
        column = columns[..., place]
        if column.numel() and not (start <= column.min() and column.max() < start + count):
            allowed, given = f"[{start}, {start + count})", [column.min().item(), column.max().item()]
            raise ValueError(f"expected indices in {allowed} at place {place} of each token, got {given}")
