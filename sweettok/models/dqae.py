"""The three ways from patches to tokens and back that the paper compares (table T4), with one interface.

encode(clip) -> (z_s (B, L_s, D), z_t (B, L_t, D) or None for an image); decode(zq_s, zq_t or None, frames) ->
patch features (B, frames, cells, D). All three make L_s tokens of an image and L_s + L_t of a clip, so that they can
share quantisers and are compared at equal tokens and equal bits.
"""

import math
from typing import Any

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from sweettok.models.attention import GridBlock
from sweettok.models.patches import PatchEmbed, square_positions, with_positions
from sweettok.models.queries import QueryStack, learned_queries, quarters, query_spacing
from sweettok.params import Patches, Tokenizer


def later_frames(frames: int) -> list[int]:
    """Latent frames after the first. A model of images (frames 1) has the branch for them all the same, unused."""
    return list(range(1, max(frames, 2)))


class DecoupledQueries(nn.Module):
    """DQAE: spatial queries read the first frame, temporal queries read residuals (PAPER.md 1, C3, C5, C7)."""

    def __init__(self, tokenizer: Tokenizer, patches: Patches, frames: int, cells: int) -> None:
        super().__init__()
        t, width = tokenizer, tokenizer.width
        block = (width, t.heads, t.expansion)
        self.residual, self.per_location = t.residual, t.temporal_queries == "per_location"
        self.frames, self.cells = frames, cells
        self.embed = PatchEmbed(patches, width)
        side, later = math.isqrt(cells), later_frames(frames)
        self.spatial_queries = learned_queries(t.spatial_tokens, [0], side, width)
        times = [0] if self.per_location else later
        self.temporal_queries = learned_queries(t.temporal_tokens, times, side, width)
        self.patch_query = nn.Parameter(torch.zeros(1, width))
        space = quarters(query_spacing(t.spatial_tokens, [0], side))
        read, give = (quarters(query_spacing(t.temporal_tokens, times, side)),) * 2
        if self.per_location:  # a query reads its cell at all times, and a cell its one token
            read, give = [(float(time), 0.0, 0.0) for time in later], [(0.0, 0.0, 0.0)]
        self.spatial_encoder = QueryStack(*block, t.spatial_depth, space)
        self.temporal_encoder = QueryStack(*block, t.temporal_depth, read, read_over="group")
        self.spatial_decoder = QueryStack(*block, t.spatial_depth, space)
        # Each cell's queries attend to each other over time; what moves between cells is read from all tokens.
        self.temporal_decoder = QueryStack(*block, t.temporal_depth, give, self_over="group")

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """Which modules each curriculum part names."""
        return {
            "spatial": [self.embed.first, self.spatial_queries, self.spatial_encoder],
            "temporal": [self.embed.rest, self.temporal_queries, self.temporal_encoder],
            "decoder": [self.patch_query, self.spatial_decoder, self.temporal_decoder],
        }

    def encode(self, clip: Tensor) -> tuple[Tensor, Tensor | None]:
        features = self.embed(clip)  # (B, 1 + k, hw, D)
        batch, frames, cells, width = features.shape
        positions = square_positions(frames, cells, width, self.frames).to(features)  # (1 + k, hw, D)
        blank = features.new_zeros(batch, 1, len(self.spatial_queries), width)
        z_spatial = self.spatial_encoder(blank, self.spatial_queries, features[:, :1], positions[:1])  # (B, 1, L_s, D)
        if frames == 1:
            return z_spatial.flatten(1, 2), None
        start = features[:, :1] if self.residual == "first_frame" else features[:, :-1]
        residuals = start - features[:, 1:]  # (B, k, hw, D)
        address = self.temporal_queries
        if self.per_location:  # one group a cell: its query and its k residuals
            address, residuals = address[:, None], rearrange(residuals, "b k c d -> b c k d").contiguous()
            places = rearrange(positions[1:], "k c d -> c k d").contiguous()
        else:
            address, residuals = address[None], rearrange(residuals, "b k c d -> b 1 (k c) d")
            places = rearrange(positions[1:], "k c d -> 1 (k c) d")
        blank = features.new_zeros(batch, *address.shape)
        return z_spatial.flatten(1, 2), self.temporal_encoder(blank, address, residuals, places).flatten(1, 2)

    def decode(self, zq_spatial: Tensor, zq_temporal: Tensor | None, frames: int) -> Tensor:
        batch, _, width = zq_spatial.shape
        positions = square_positions(frames, self.cells, width, self.frames).to(zq_spatial)  # (1 + k, hw, D)
        # In decoders the place is part of the content: the same token has to become another patch in each cell.
        queries = (self.patch_query + positions[:1]).expand(batch, 1, self.cells, width)
        space = self.spatial_decoder(queries, positions[:1], zq_spatial[:, None], self.spatial_queries)  # (B, 1, hw, D)
        if zq_temporal is None:
            return space
        address = rearrange(positions, "t c d -> c t d").contiguous()
        tiled = repeat(space, "b 1 c d -> b c t d", t=frames) + address  # v~_s for every latent frame
        clip = self.temporal_decoder(tiled, address, zq_temporal[:, None], self.temporal_queries)
        return rearrange(clip, "b c t d -> b t c d").contiguous()


class CoupledQueries(nn.Module):
    """Vanilla query tokenizer: all queries read all patches of the clip (T4 "vanilla query")."""

    def __init__(self, tokenizer: Tokenizer, patches: Patches, frames: int, cells: int) -> None:
        super().__init__()
        t, width, depth = tokenizer, tokenizer.width, tokenizer.spatial_depth + tokenizer.temporal_depth
        self.frames, self.cells, self.spatial_tokens = frames, cells, t.spatial_tokens
        self.embed = PatchEmbed(patches, width)
        side, later = math.isqrt(cells), later_frames(frames)
        spatial = learned_queries(t.spatial_tokens, [0], side, width)
        temporal = learned_queries(t.temporal_tokens, later, side, width)
        self.queries = nn.Parameter(torch.cat([spatial, temporal]).detach())
        self.patch_query = nn.Parameter(torch.zeros(1, width))
        glances = quarters(query_spacing(t.temporal_tokens, later, side))
        self.encoder = QueryStack(width, t.heads, t.expansion, depth, glances)
        self.decoder = QueryStack(width, t.heads, t.expansion, depth, glances, self_over="group")

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """Queries of both kinds are one module: `spatial` trains all, `temporal` adds the embedding of later frames."""
        return {
            "spatial": [self.embed.first, self.queries, self.encoder],
            "temporal": [self.embed.rest],
            "decoder": [self.patch_query, self.decoder],
        }

    def encode(self, clip: Tensor) -> tuple[Tensor, Tensor | None]:
        features = self.embed(clip)  # (B, 1 + k, hw, D)
        batch, frames, cells, width = features.shape
        positions = square_positions(frames, cells, width, self.frames).to(features)
        address = self.queries if frames > 1 else self.queries[: self.spatial_tokens]
        blank = features.new_zeros(batch, 1, *address.shape)
        z = self.encoder(blank, address, features.flatten(1, 2)[:, None], positions.flatten(0, 1)).flatten(1, 2)
        spatial, temporal = z[:, : self.spatial_tokens], z[:, self.spatial_tokens :]
        return spatial, temporal if frames > 1 else None

    def decode(self, zq_spatial: Tensor, zq_temporal: Tensor | None, frames: int) -> Tensor:
        tokens = zq_spatial if zq_temporal is None else torch.cat([zq_spatial, zq_temporal], dim=1)
        positions = square_positions(frames, self.cells, tokens.shape[-1], self.frames).to(tokens)
        address = rearrange(positions, "t c d -> c t d").contiguous()
        queries = (self.patch_query + address).expand(len(tokens), *address.shape)
        clip = self.decoder(queries, address, tokens[:, None], self.queries[: tokens.shape[1]])
        return rearrange(clip, "b c t d -> b t c d").contiguous()


class Downsampling(nn.Module):
    """Vanilla down-sampling: a grid of patches, merged f x f in space to the same number of tokens (T4).

    Tokens lie on a grid, so their places are known to the decoder without codes for it: the encoder adds none, else
    words would be spent on them.
    """

    def __init__(self, tokenizer: Tokenizer, patches: Patches, frames: int, cells: int) -> None:
        super().__init__()
        t, width, depth = tokenizer, tokenizer.width, tokenizer.spatial_depth + tokenizer.temporal_depth
        self.side = math.isqrt(cells)
        self.factor = math.isqrt(cells // t.spatial_tokens)
        if self.factor**2 * t.spatial_tokens != cells or t.temporal_tokens != (frames - 1) * t.spatial_tokens:
            raise ValueError(
                f"down-sampling needs spatial_tokens = cells / f^2 and that many for each of {frames - 1} later latent frames; "
                f"got {t.spatial_tokens} and {t.temporal_tokens} for {cells} cells"
            )
        self.embed = PatchEmbed(patches, width)
        self.encoder = nn.Sequential(
            *(GridBlock(width, t.heads, t.expansion) for _ in range(depth)), nn.LayerNorm(width)
        )
        self.merge = nn.Linear(width * self.factor**2, width)
        self.split = nn.Linear(width, width * self.factor**2)
        self.decoder = nn.Sequential(
            *(GridBlock(width, t.heads, t.expansion) for _ in range(depth)), nn.LayerNorm(width)
        )

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        return {
            "spatial": [self.embed.first, self.encoder, self.merge],
            "temporal": [self.embed.rest],
            "decoder": [self.split, self.decoder],
        }

    def encode(self, clip: Tensor) -> tuple[Tensor, Tensor | None]:
        features = self.encoder(self.embed(clip))  # (B, 1 + k, hw, D)
        f, h = self.factor, self.side // self.factor
        merged = rearrange(features, "b t (h p w q) d -> b t (h w) (p q d)", p=f, q=f, h=h, w=h)
        z = self.merge(merged)  # (B, 1 + k, hw / f^2, D)
        return z[:, 0], z[:, 1:].flatten(1, 2) if z.shape[1] > 1 else None

    def decode(self, zq_spatial: Tensor, zq_temporal: Tensor | None, frames: int) -> Tensor:
        tokens = zq_spatial if zq_temporal is None else torch.cat([zq_spatial, zq_temporal], dim=1)
        f, h = self.factor, self.side // self.factor
        grid = self.split(tokens.unflatten(1, (frames, h * h)))  # (B, frames, hw / f^2, f f D)
        grid = rearrange(grid, "b t (h w) (p q d) -> b t (h p w q) d", h=h, p=f, q=f)
        return self.decoder(with_positions(grid))


ARCHITECTURES: dict[str, Any] = {"decoupled": DecoupledQueries, "coupled": CoupledQueries, "downsample": Downsampling}
