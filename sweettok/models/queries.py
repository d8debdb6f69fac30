"""DQAE layers: learned queries that read patches, and patch queries that read tokens (PAPER.md 1)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from sweettok.models.attention import Attention, FeedForward
from sweettok.models.patches import position_codes, shift_of_codes

Step = tuple[float, float, float]  # in time, rows and columns, in patches
PLACE_GAIN = 5.0  # at the start a head reads the patch it looks at and little else
CONTENT_GAIN = 0.1  # and hardly minds what is in it


class Reading(nn.Module):
    """Multi-head cross-attention whose scores are (content . content) + (place . place), as in Conditional DETR.

    Plain cross-attention has to find out first which query belongs to which patches: short trainings end before that.
    So each head starts by looking at one place: `glances[h]` away from its query's address. Four heads that look at
    the four quarters of a query's neighbourhood read it as a strided convolution would; training moves them from there.
    """

    def __init__(self, width: int, heads: int, glances: Sequence[Step]) -> None:
        super().__init__()
        self.heads, per_head = heads, width // heads
        self.query, self.query_place = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.key, self.key_place = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.value, self.out = nn.Linear(width, width, bias=False), nn.Linear(width, width)
        for content in (self.query, self.key):
            nn.init.orthogonal_(content.weight, gain=CONTENT_GAIN)
        channels = kernel_channels(per_head, width)
        with torch.no_grad():
            self.key_place.weight.zero_()
            for head in range(heads):
                rows = head * per_head + torch.arange(len(channels))
                self.key_place.weight[rows, channels] = PLACE_GAIN
                shift = shift_of_codes(glances[head % len(glances)], width)  # code(place) @ shift = code(place + step)
                self.query_place.weight[rows] = self.key_place.weight[rows] @ shift.T

    def forward(self, queries: Tensor, address: Tensor, patches: Tensor, places: Tensor) -> Tensor:
        """queries (..., N, D) at address, patches (..., M, D) at places (shapes that broadcast to theirs) -> (..., N, D)."""
        q = self.query(queries) + self.query_place(address)
        k = self.key(patches) + self.key_place(places)
        projected = (q, k, self.value(patches))
        q, k, v = (rearrange(x.flatten(0, -3), "b n (h d) -> b h n d", h=self.heads) for x in projected)
        mixed = F.scaled_dot_product_attention(q, k, v)  # (B', heads, N, D / heads)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)")).unflatten(0, queries.shape[:-2])


def kernel_channels(count: int, width: int) -> Tensor:
    """At most `count` channels of a position code whose dot product falls off with distance in time, rows and columns.

    (sin, cos) pairs of few wavelengths of each axis, neither the shortest, which repeat within a grid, nor the longest.
    """
    third, start, chosen = width // 3, 0, []
    for axis, part in enumerate((width - 2 * third, third, third)):
        pairs = part // 2
        wanted = min(pairs, count // 8 if axis == 0 else (count // 2 - count // 8) // 2)
        picked = start + torch.linspace(0, pairs - 1, wanted + 2)[1:-1].round().long()
        chosen += [picked, picked + pairs]
        start += part
    return torch.cat(chosen)


class QueryLayer(nn.Module):
    """A DQAE layer (PAPER.md 1): queries and patches each attend to themselves, then queries read patches.

    queries (B, G, Q, D), patches (B, P, K, D) -> both, updated. `address` and `places` say where they are, in shapes
    that broadcast to theirs. They steer attention only and are no part of what is read, as in DETR: what comes out
    depends on the clip from the first step on, where it would else be nearly the query itself.

    Groups say who sees whom: with `self_over="all"` a query attends to all G Q queries, with "group" to the Q of its
    own group; with `read_over="group"` group g reads only patch group g, with "all" every query reads all patches.
    Patches attend within their group.
    """

    def __init__(
        self, width: int, heads: int, expansion: int, self_over: str, read_over: str, glances: Sequence[Step]
    ) -> None:
        super().__init__()
        self.self_over, self.read_over = self_over, read_over
        self.query_norm, self.query_attention = nn.LayerNorm(width), Attention(width, heads)
        self.query_feed_norm, self.query_feed = nn.LayerNorm(width), FeedForward(width, expansion)
        self.patch_norm, self.patch_attention = nn.LayerNorm(width), Attention(width, heads)
        self.patch_feed_norm, self.patch_feed = nn.LayerNorm(width), FeedForward(width, expansion)
        self.read_norm, self.read_patch_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.read = Reading(width, heads, glances)
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
        where = value + places
        patches = patches + self.patch_attention(where, where, value)
        patches = patches + self.patch_feed(self.patch_feed_norm(patches))

        where, value = self.read_norm(queries), self.read_patch_norm(patches)
        if self.read_over == "all":  # all groups as one
            inputs = where.flatten(1, 2), address.flatten(0, -2), value.flatten(1, 2), places.flatten(0, -2)
            read = self.read(*inputs).view_as(queries)
        else:
            read = self.read(where, address, value, places)
        queries = queries + read
        return queries + self.read_feed(self.read_feed_norm(queries)), patches


class QueryStack(nn.Module):
    """`depth` query layers and a final norm: queries (B, G, Q, D) read patches (B, P, K, D) -> (B, G, Q, D)."""

    def __init__(
        self,
        width: int,
        heads: int,
        expansion: int,
        depth: int,
        glances: Sequence[Step],
        self_over: str = "all",
        read_over: str = "all",
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            QueryLayer(width, heads, expansion, self_over, read_over, glances) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, queries: Tensor, address: Tensor, patches: Tensor, places: Tensor) -> Tensor:
        for layer in self.layers:
            queries, patches = layer(queries, address, patches, places)
        return self.norm(queries)


def learned_queries(count: int, times: list[int], side: int, width: int) -> nn.Parameter:
    """Learnable queries (count, width) that start spread evenly over the places of a side x side grid at `times`."""
    per_time = math.ceil(count / len(times))
    spacing = query_spacing(count, times, side)
    places = (torch.arange(round(side / spacing)) + 0.5) * spacing - 0.5
    codes = position_codes(torch.tensor(times, dtype=torch.float32), places, places, width)[:, :per_time]
    return nn.Parameter(codes.flatten(0, 1)[:count].clone())


def query_spacing(count: int, times: list[int], side: int) -> float:
    """Patches between neighbours of `learned_queries`."""
    return side / math.ceil(math.sqrt(math.ceil(count / len(times))))


def quarters(spacing: float) -> list[Step]:
    """From a query to the middles of the four quarters of its neighbourhood."""
    step = spacing / 4
    return [(0.0, row, column) for row in (-step, step) for column in (-step, step)]
