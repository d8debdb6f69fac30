"""Attention blocks. All are pre-norm (norm before, not after, each residual branch): the same parts as the paper's
"add + norm", but stable without a long warm-up, which the short trainings here need."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

MOST_GROUPS = 65_535  # groups (batch x heads) of one call: CUDA's kernels fail in the backward pass of more


class Attention(nn.Module):
    """Multi-head attention over the last-but-one axis; any leading axes are batch.

    queries (..., N, D), keys and values (..., M, D) -> (..., N, D). Keys and values default to the queries. Causal: a
    query attends to keys up to its own place.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}")
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(
        self, queries: Tensor, keys: Tensor | None = None, values: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        keys = queries if keys is None else keys
        values = keys if values is None else values
        lead = queries.shape[:-2]
        projected = (self.query(queries), self.key(keys), self.value(values))
        q, k, v = (rearrange(x.flatten(0, -3), "b n (h d) -> b h n d", h=self.heads) for x in projected)
        mixed = attend(q, k, v, causal)  # (B', heads, N, D / heads)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)")).unflatten(0, lead)


def attend(q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> Tensor:
    """softmax(q k^T / sqrt(d)) v of any number of groups: q (B, heads, N, d), k and v (B, heads, M, d) -> as q.

    Where each place of a clip attends alone there can be a million groups; they take turns.
    """
    at_once = max(1, MOST_GROUPS // q.shape[1])
    if len(q) <= at_once:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    turns = zip(q.split(at_once), k.split(at_once), v.split(at_once), strict=True)
    return torch.cat([attend(*turn, causal=causal) for turn in turns])


class FeedForward(nn.Sequential):
    """Two linear layers around GELU: (..., D) -> (..., D)."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__(nn.Linear(width, expansion * width), nn.GELU(), nn.Linear(expansion * width, width))


class AttentionLayer(nn.Module):
    """Tokens attend to each other, then a feed-forward layer: (..., N, D) -> the same. Causal: to no later token."""

    def __init__(self, width: int, heads: int, expansion: int, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal
        self.norm, self.attend = nn.LayerNorm(width), Attention(width, heads)
        self.feed_norm, self.feed = nn.LayerNorm(width), FeedForward(width, expansion)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm(x), causal=self.causal)
        return x + self.feed(self.feed_norm(x))
