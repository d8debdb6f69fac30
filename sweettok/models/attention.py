"""Attention blocks. All are pre-norm (norm before, not after, each residual branch): the same parts as the paper's
"add + norm", but stable without a long warm-up, which the short trainings here need."""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from sweettok.models.patches import position_codes


class Attention(nn.Module):
    """Multi-head attention over the last-but-one axis; any leading axes are batch.

    queries (..., N, D), keys and values (..., M, D) -> (..., N, D). Keys and values default to the queries.
    With `by_likeness` keys start projected as queries are: attention goes first to what is alike, so near in position.
    """

    def __init__(self, width: int, heads: int, causal: bool = False, by_likeness: bool = False) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}")
        self.heads, self.causal = heads, causal
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)
        if by_likeness:
            nn.init.orthogonal_(self.query.weight, gain=2.0)  # sharp enough that a head reads a few patches, not all
            with torch.no_grad():
                self.key.weight.copy_(self.query.weight)

    def forward(self, queries: Tensor, keys: Tensor | None = None, values: Tensor | None = None) -> Tensor:
        keys = queries if keys is None else keys
        values = keys if values is None else values
        lead = queries.shape[:-2]
        projected = (self.query(queries), self.key(keys), self.value(values))
        q, k, v = (rearrange(x.flatten(0, -3), "b n (h d) -> b h n d", h=self.heads) for x in projected)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)  # (B', heads, N, D / heads)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)")).unflatten(0, lead)


class FeedForward(nn.Sequential):
    """Two linear layers around GELU: (..., D) -> (..., D)."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__(nn.Linear(width, expansion * width), nn.GELU(), nn.Linear(expansion * width, width))


class GridBlock(nn.Module):
    """Self-attention over the cells of each latent frame, then causally over the frames of each cell.

    (B, frames, cells, D) -> the same. Causal, so that the first frame of a clip is coded as the image it is.
    """

    def __init__(self, width: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.space_norm, self.space = nn.LayerNorm(width), Attention(width, heads)
        self.time_norm, self.time = nn.LayerNorm(width), Attention(width, heads, causal=True)
        self.feed_norm, self.feed = nn.LayerNorm(width), FeedForward(width, expansion)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.space(self.space_norm(x))
        by_cell = self.time_norm(x).transpose(1, 2)  # (B, cells, frames, D)
        x = x + self.time(by_cell).transpose(1, 2)
        return x + self.feed(self.feed_norm(x))


class QueryLayer(nn.Module):
    """A DQAE layer (PAPER.md 1): queries and patches each attend to themselves, then queries read patches.

    queries (B, G, Q, D), patches (B, P, K, D) -> both, updated. `address` and `places` say where they are, in shapes
    that broadcast to theirs. They steer attention only and are no part of what is read, as in DETR: what comes out
    depends on the clip from the first step on, where it would else be nearly the query itself.

    Groups say who sees whom: with `self_over="all"` a query attends to all G Q queries, with "group" to the Q of its
    own group; with `read_over="group"` group g reads only patch group g, with "all" every query reads all patches.
    Patches attend within their group.
    """

    def __init__(self, width: int, heads: int, expansion: int, self_over: str, read_over: str) -> None:
        super().__init__()
        self.self_over, self.read_over = self_over, read_over
        self.query_norm, self.query_attention = nn.LayerNorm(width), Attention(width, heads)
        self.query_feed_norm, self.query_feed = nn.LayerNorm(width), FeedForward(width, expansion)
        self.patch_norm, self.patch_attention = nn.LayerNorm(width), Attention(width, heads)
        self.patch_feed_norm, self.patch_feed = nn.LayerNorm(width), FeedForward(width, expansion)
        self.read_norm, self.read_patch_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.read = Attention(width, heads, by_likeness=True)
        self.read_feed_norm, self.read_feed = nn.LayerNorm(width), FeedForward(width, expansion)

    def forward(self, queries: Tensor, address: Tensor, patches: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        value = self.query_norm(queries)
        where = value + address
        if self.self_over == "all":
            mixed = self.query_attention(*(x.flatten(1, 2) for x in (where, where, value))).view_as(queries)
        else:
            mixed = self.query_attention(where, where, value)
        queries = queries + mixed
        queries = queries + self.query_feed(self.query_feed_norm(queries))

        value = self.patch_norm(patches)
        patches = patches + self.patch_attention(value + places, value + places, value)
        patches = patches + self.patch_feed(self.patch_feed_norm(patches))

        where, value = self.read_norm(queries) + address, self.read_patch_norm(patches)
        if self.read_over == "all":
            read = self.read(*(x.flatten(1, 2) for x in (where, value + places, value))).view_as(queries)
        else:
            read = self.read(where, value + places, value)
        queries = queries + read
        return queries + self.read_feed(self.read_feed_norm(queries)), patches


class QueryStack(nn.Module):
    """`depth` query layers and a final norm: queries (B, G, Q, D) read patches (B, P, K, D) -> (B, G, Q, D)."""

    def __init__(
        self, width: int, heads: int, expansion: int, depth: int, self_over: str = "all", read_over: str = "all"
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(QueryLayer(width, heads, expansion, self_over, read_over) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, queries: Tensor, address: Tensor, patches: Tensor, places: Tensor) -> Tensor:
        for layer in self.layers:
            queries, patches = layer(queries, address, patches, places)
        return self.norm(queries)


def learned_queries(count: int, times: list[int], side: int, width: int) -> nn.Parameter:
    """Learnable queries (count, width) that start spread evenly over the places of a side x side grid at `times`.

    Together with the start of the reading attention (`by_likeness`), each query first reads its neighbourhood; training moves it from there.
    """
    per_time = math.ceil(count / len(times))
    along = math.ceil(math.sqrt(per_time))
    places = (torch.arange(along) + 0.5) * side / along - 0.5
    codes = position_codes(torch.tensor(times, dtype=torch.float32), places, places, width)[:, :per_time]
    return nn.Parameter(codes.flatten(0, 1)[:count].clone())
