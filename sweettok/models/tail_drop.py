"""Tokens that may be left out from the end: one model for every length.

Trained with tails dropped at random, as One-D-Piece (arXiv 2501.10064) and FlexTok (arXiv 2502.13967) are, a model tells
first what matters most. Their tokens have no place; ours do, so that the first ones have to be spread over the picture:
tokens stay in their order, and are kept from coarse to fine (`ranks`).
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from sweettok.models.quantized import Quantized

ABSENT = -1  # the index of a token that was left out


class TailDrop(nn.Module):
    """A quantiser some of whose tokens may be absent: the decoder gets one learned vector in the place of each.

    Same interface as the quantiser within; `lookup` also takes `ABSENT`. While `dropping`, which is for training alone,
    a clip keeps a number of its tokens drawn evenly from 1 to all, with probability `share`, else all of them.

    Args:
        order: rank of each token, int64 (N,), see `ranks`.
    """

    def __init__(self, quantizer: nn.Module, width: int, order: Tensor, share: float) -> None:
        super().__init__()
        self.quantizer, self.share, self.dropping = quantizer, share, False
        self.size, self.slots, self.words = quantizer.size, quantizer.slots, quantizer.words
        self.folded_parameters = quantizer.folded_parameters
        self.absent = nn.Parameter(torch.zeros(width))
        self.register_buffer("ranks", order, persistent=False)

    @property
    def vectors(self) -> Tensor:
        """Vectors of the words, of a quantiser that has words."""
        return self.quantizer.vectors

    def train(self, mode: bool = True) -> "TailDrop":
        self.dropping = False  # whoever trains says so: `drop_tails`
        return super().train(mode)

    def forward(self, z: Tensor) -> Quantized:
        """z (B, N, D) -> Quantized; the indices are those of all tokens."""
        quantized = self.quantizer(z)
        if not self.dropping:
            return quantized
        tokens = z.shape[1]
        drawn = torch.randint(1, tokens + 1, (len(z),), device=z.device)
        kept = torch.where(torch.rand(len(z), device=z.device) < self.share, drawn, tokens)  # (B,)
        return replace(quantized, z_q=self._without(quantized.z_q, self.ranks < kept[:, None]))

    def _without(self, z_q: Tensor, present: Tensor) -> Tensor:
        return torch.where(present[..., None], z_q, self.absent)

    def shortened(self, indices: Tensor, kept: Tensor) -> Tensor:
        """Indices (B, N) or (B, N, slots), tokens to keep of each clip (B,) -> the same with `ABSENT` for the others."""
        absent = self.ranks >= kept[:, None]  # (B, N)
        return indices.masked_fill(absent if indices.ndim == 2 else absent[..., None], ABSENT)

    def lookup(self, indices: Tensor) -> Tensor:
        """Indices as `forward` or `shortened` gives them -> z_q (B, N, D). Raises ValueError."""
        absent = (indices == ABSENT).flatten(2).all(-1) if indices.ndim == 3 else indices == ABSENT  # (B, N)
        first = indices.new_tensor([start for start, _ in self.slots])
        known = torch.where(absent[..., None], first, indices.view(*absent.shape, -1)).view_as(indices)
        return self._without(self.quantizer.lookup(known), ~absent)

    def code_vectors(self, indices: Tensor) -> Tensor:
        """Of tokens that are all there: (B, N, code_dim)."""
        return self.quantizer.code_vectors(indices)


def drop_tails(model: nn.Module) -> None:
    """Have every `TailDrop` of the model drop tails until the next `train()` or `eval()`."""
    for module in model.modules():
        if isinstance(module, TailDrop):
            module.dropping = True


def ranks(tokens: int, frames: int, placed: bool = True) -> Tensor:
    """In which order tokens are kept: the rank of each, int64 (tokens,), 0 for the one kept longest.

    The first 4^k of a frame's places are an even grid: rows and columns bit by bit from the coarsest, as a quadtree's
    leaves. Places of the same rank in all frames follow each other. Frames whose tokens have no place keep them as they
    come.
    """
    coarse = _quadtree(round((tokens // frames) ** 0.5)) if placed else torch.arange(tokens // frames)
    order = (coarse.expand(frames, -1) * frames + torch.arange(frames)[:, None]).flatten().argsort()
    return torch.empty_like(order).scatter_(0, order, torch.arange(tokens))


def _quadtree(side: int) -> Tensor:
    """Numbers that order the places of a side x side grid from coarse to fine: int64 (side^2,)."""
    rows = torch.arange(side)[:, None].expand(side, side).flatten()
    columns = torch.arange(side).repeat(side)
    coarse = torch.zeros(side * side, dtype=torch.int64)
    for bit in range((side - 1).bit_length()):  # the lowest bit of a place tells finest places apart
        coarse = coarse << 2 | (rows >> bit & 1) << 1 | columns >> bit & 1
    return coarse
