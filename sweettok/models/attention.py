"""Attention blocks. All are pre-norm (norm before, not after, each residual branch): the same parts as the paper's
"add + norm", but stable without a long warm-up, which the short trainings here need."""

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention over the last-but-one axis; any leading axes are batch.

    queries (..., N, D), keys and values (..., M, D) -> (..., N, D). Keys and values default to the queries.
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

    def forward(self, queries: Tensor, keys: Tensor | None = None, values: Tensor | None = None) -> Tensor:
        keys = queries if keys is None else keys
        values = keys if values is None else values
        lead = queries.shape[:-2]
        projected = (self.query(queries), self.key(keys), self.value(values))
        q, k, v = (rearrange(x.flatten(0, -3), "b n (h d) -> b h n d", h=self.heads) for x in projected)
        mixed = F.scaled_dot_product_attention(q, k, v)  # (B', heads, N, D / heads)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)")).unflatten(0, lead)


class FeedForward(nn.Sequential):
    """Two linear layers around GELU: (..., D) -> (..., D)."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__(nn.Linear(width, expansion * width), nn.GELU(), nn.Linear(expansion * width, width))
