"""What every quantiser gives, and what all of them share: codes scored in chunks, usage, the check of indices."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sweettok.models.devices import at_once

SCORES_AT_ONCE = 2**22  # of tokens with words, 16 MB in a CPU's cache; beyond it tokens come in chunks


@dataclass(frozen=True)
class Quantized:
    """z_q (B, N, D) for the decoder, indices (B, N) or (B, N, 3), loss and usage (share of words in this batch): scalars."""

    z_q: Tensor
    indices: Tensor
    loss: Tensor
    usage: Tensor


def in_chunks(tokens: Tensor, words: int) -> tuple[Tensor, ...]:
    """Tokens (M, d) in chunks whose scores with `words` words the device computes at once, or one token's."""
    return tokens.split(at_once(tokens.device, 4 * words, SCORES_AT_ONCE // words))


def usage_of(indices: Tensor, size: int) -> Tensor:
    """Share of `size` codes that occur among the indices: scalar, fp64."""
    used = torch.zeros(size, dtype=torch.float64, device=indices.device)
    return used.index_fill_(0, indices.flatten(), 1).sum() / size


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
