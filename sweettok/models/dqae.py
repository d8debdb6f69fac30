"""The ways from patches to tokens and back, with one interface: the three that the paper compares (table T4) stand here.

encode(patches (B, C, 1 + k, h, w)) -> (z_s (B, L_s, D), z_t (B, L_t, D) or None for an image); decode(zq_s, zq_t or
None, frames) -> features of patches (B, D, frames, h, w). All three make L_s tokens of an image and L_s + L_t of a clip,
so that they can share quantisers and are compared at equal tokens and equal bits. They start from the same patches (the
proxy's features), their tokens from values of the places around them, and all end in the same convolutional blocks:
what differs is what a token may see.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from sweettok.models.hierarchical import Hierarchical
from sweettok.models.holistic import Holistic
from sweettok.models.patches import square_positions
from sweettok.models.patchwise import Patchwise, WindowedPatchwise
from sweettok.models.queries import (
    PLACE_SCALE,
    PatchesToQueries,
    QueryStack,
    TokensToPatches,
    as_grid,
    as_sequence,
    place_codes,
    resampled,
)
from sweettok.models.refinement import Refinement
from sweettok.params import Tokenizer


def later_frames(frames: int) -> list[int]:
    """Latent frames after the first. A model of images (frames 1) has the branch for them all the same, unused."""
    return list(range(1, max(frames, 2)))


def grid_side(tokens: int, side: int, name: str) -> int:
    """Side of the square grid that tokens lie on. Raises ValueError where it does not divide the grid of patches."""
    count = math.isqrt(tokens)
    if count**2 != tokens or side % count:
        raise ValueError(f"{tokens} {name} tokens do not lie evenly on a {side} x {side} grid of patches")
    return count


def later_side(tokens: int, frames: int, side: int) -> int:
    """Side of the square grid of temporal tokens in each of `frames` latent frames. Raises ValueError (not even)."""
    if tokens % frames:
        raise ValueError(f"{tokens} temporal tokens do not spread evenly over {frames} latent frames")
    return grid_side(tokens // frames, side, "temporal")


class DecoupledQueries(nn.Module):
    """DQAE: spatial queries read the first frame, temporal queries read residuals (docs/paper.md, DQAE, C3, C5, C7).

    A temporal query stands for a place over all later frames (`global`) or in one of them (`per_frame`), and may read all
    residuals; `per_location` queries stand for a place over all later frames and read its residuals alone.
    """

    grows = False

    def __init__(self, tokenizer: Tokenizer, channels: int, frames: int, side: int) -> None:
        super().__init__()
        t, width = tokenizer, tokenizer.width
        block = (width, t.heads, t.expansion)
        self.residual, self.per_location = t.residual, t.temporal_queries == "per_location"
        self.frames, self.side, self.later = frames, side, later_frames(frames)
        self.times = self.later if t.temporal_queries == "per_frame" else [0]  # of the temporal tokens
        span = len(self.later) // len(self.times)  # latent frames that a temporal token stands for
        spatial_side = grid_side(t.spatial_tokens, side, "spatial")
        temporal_side = later_side(t.temporal_tokens, len(self.times), side)
        self.patch_to_width, self.residual_to_width = nn.Linear(channels, width), nn.Linear(channels, width)

        self.spatial_start = PatchesToQueries(channels, width, side // spatial_side, t.encoder_blocks)
        self.spatial_queries = nn.Parameter(place_codes([0], side, spatial_side, width))
        self.spatial_encoder = QueryStack(*block, t.spatial_depth)
        spacing = side // temporal_side
        depth = 0 if self.per_location else t.encoder_blocks  # no block mixes a location with its neighbours
        frames_seen = min(2, len(self.times))
        self.temporal_start = PatchesToQueries(2 * channels, width, spacing, depth, frames_seen, span)
        self.temporal_queries = nn.Parameter(place_codes(self.times, side, temporal_side, width))
        self.temporal_encoder = QueryStack(*block, t.temporal_depth, self_attention=not self.per_location)

        self.spatial_spread = TokensToPatches(width, side // spatial_side)
        self.spatial_decoder = QueryStack(*block, t.spatial_depth, self_attention=False)
        self.temporal_spread = TokensToPatches(width, spacing, frames_seen, span)
        self.temporal_decoder = QueryStack(*block, t.temporal_depth, self_attention=False)
        self.refine = Refinement(width, t.decoder_blocks)

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """Which modules each curriculum part names."""
        return {
            "spatial": [self.patch_to_width, self.spatial_start, self.spatial_queries, self.spatial_encoder],
            "temporal": [self.residual_to_width, self.temporal_start, self.temporal_queries, self.temporal_encoder],
            "decoder": [
                self.spatial_spread, self.spatial_decoder, self.temporal_spread, self.temporal_decoder, self.refine,
            ],
        }  # fmt: skip

    def _places(self, frames: int, like: Tensor) -> Tensor:
        """Scaled position codes of the latent grid, (frames, h w, D)."""
        width = self.spatial_queries.shape[1]
        return PLACE_SCALE * square_positions(frames, self.side**2, width, self.frames, like.device).to(like.dtype)

    def encode(self, patches: Tensor) -> tuple[Tensor, Tensor | None]:
        frames = patches.shape[2]
        first, places = patches[:, :, :1], self._places(frames, patches)
        queries = as_sequence(self.spatial_start(first)) + self.spatial_queries  # (B, L_s, D)
        context = self.patch_to_width(as_sequence(first)) + places[0]  # (B, h w, D)
        z_spatial = self.spatial_encoder(queries, context)
        if frames == 1:
            return z_spatial, None
        before = first if self.residual == "first_frame" else patches[:, :, :-1]
        residuals = before - patches[:, :, 1:]  # (B, C, k, h, w)
        # Queries read residuals; their starting values also know what it is that moves.
        shown = resampled(residuals, len(self.later))
        starts = self.temporal_start(torch.cat([first.expand_as(shown), shown], dim=1))
        queries = as_sequence(starts) + self.temporal_queries  # (B, L_t, D)
        context = self.residual_to_width(residuals.permute(0, 2, 3, 4, 1).flatten(2, 3)) + places[1:]  # (B, k, h w, D)
        if not self.per_location:
            return z_spatial, self.temporal_encoder(queries, context.flatten(1, 2))
        by_patch = context.transpose(1, 2).contiguous()  # (B, h w, k, D)
        return z_spatial, self.temporal_encoder(queries[:, :, None], by_patch)[:, :, 0]

    def decode(self, zq_spatial: Tensor, zq_temporal: Tensor | None, frames: int) -> Tensor:
        # In decoders the place is part of the content: the same token has to become another patch in each place.
        places = self._places(frames, zq_spatial)  # (frames, h w, D)
        spatial = zq_spatial + self.spatial_queries
        first = as_sequence(self.spatial_spread(as_grid(zq_spatial, 1))) + places[0]  # (B, h w, D)
        first = as_grid(self.spatial_decoder(first, spatial), 1)  # (B, D, 1, h, w): v~_s
        if zq_temporal is None:
            return self.refine(first)
        change = self.temporal_spread(as_grid(zq_temporal, len(self.times)))
        tiled = as_sequence(first + resampled(change, frames - 1)) + places[1:].flatten(0, 1)  # (B, k h w, D)
        # v~_s, once for each later frame, reads the temporal tokens, and of the spatial ones what has moved there.
        later = self.temporal_decoder(tiled, torch.cat([zq_temporal + self.temporal_queries, spatial], dim=1))
        return self.refine(torch.cat([first, as_grid(later, frames - 1)], dim=2))


class CoupledQueries(nn.Module):
    """Vanilla query tokenizer: all queries read all patches of the clip (T4 "vanilla query").

    Its queries start from places as the decoupled ones do: L_s in the first frame, L_t spread over the later frames.
    """

    grows = False

    def __init__(self, tokenizer: Tokenizer, channels: int, frames: int, side: int) -> None:
        super().__init__()
        t, width, depth = tokenizer, tokenizer.width, tokenizer.spatial_depth + tokenizer.temporal_depth
        later = later_frames(frames)
        self.frames, self.side, self.spatial_tokens, self.times = frames, side, t.spatial_tokens, later
        sides = grid_side(t.spatial_tokens, side, "spatial"), later_side(t.temporal_tokens, len(later), side)
        self.patch_to_width = nn.Linear(channels, width)
        self.first_start = PatchesToQueries(channels, width, side // sides[0], t.encoder_blocks)
        self.later_start = PatchesToQueries(channels, width, side // sides[1], t.encoder_blocks, frames=2)
        codes = [place_codes([0], side, sides[0], width), place_codes(later, side, sides[1], width)]
        self.queries = nn.Parameter(torch.cat(codes))
        self.encoder = QueryStack(width, t.heads, t.expansion, depth)
        self.first_spread = TokensToPatches(width, side // sides[0])
        self.later_spread = TokensToPatches(width, side // sides[1], frames=2)
        self.decoder = QueryStack(width, t.heads, t.expansion, depth, self_attention=False)
        self.refine = Refinement(width, t.decoder_blocks)

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """Queries of both kinds are one module: `spatial` trains all, `temporal` adds the start of the later ones."""
        return {
            "spatial": [self.patch_to_width, self.first_start, self.queries, self.encoder],
            "temporal": [self.later_start],
            "decoder": [self.first_spread, self.later_spread, self.decoder, self.refine],
        }

    def _places(self, frames: int, like: Tensor) -> Tensor:
        codes = square_positions(frames, self.side**2, self.queries.shape[1], self.frames, like.device)
        return PLACE_SCALE * codes.to(like.dtype).flatten(0, 1)  # (frames * h w, D)

    def encode(self, patches: Tensor) -> tuple[Tensor, Tensor | None]:
        frames = patches.shape[2]
        starts = [as_sequence(self.first_start(patches[:, :, :1]))]  # (B, L_s, D)
        if frames > 1:
            later = resampled(self.later_start(patches[:, :, 1:]), len(later_frames(self.frames)))
            starts.append(as_sequence(later))  # (B, L_t, D)
        queries = torch.cat(starts, dim=1)
        queries = queries + self.queries[: queries.shape[1]]
        context = self.patch_to_width(as_sequence(patches)) + self._places(frames, patches)  # (B, frames * h w, D)
        z = self.encoder(queries, context)
        spatial, temporal = z[:, : self.spatial_tokens], z[:, self.spatial_tokens :]
        return spatial, temporal if frames > 1 else None

    def decode(self, zq_spatial: Tensor, zq_temporal: Tensor | None, frames: int) -> Tensor:
        grids, tokens = [self.first_spread(as_grid(zq_spatial, 1))], zq_spatial
        if zq_temporal is not None:
            later = self.later_spread(as_grid(zq_temporal, len(later_frames(self.frames))))
            grids.append(resampled(later, frames - 1))
            tokens = torch.cat([zq_spatial, zq_temporal], dim=1)
        patches = as_sequence(torch.cat(grids, dim=2)) + self._places(frames, zq_spatial)  # (B, frames * h w, D)
        patches = self.decoder(patches, tokens + self.queries[: tokens.shape[1]])
        return self.refine(as_grid(patches, frames))


class Downsampling(nn.Module):
    """Vanilla down-sampling: a grid of patches, merged f x f in space to the same number of tokens (T4)."""

    grows = False

    def __init__(self, tokenizer: Tokenizer, channels: int, frames: int, side: int) -> None:
        super().__init__()
        t, width = tokenizer, tokenizer.width
        count, self.times = grid_side(t.spatial_tokens, side, "spatial"), later_frames(frames)
        if t.temporal_tokens != (frames - 1) * t.spatial_tokens:
            raise ValueError(
                f"down-sampling needs spatial_tokens for each of {frames - 1} later latent frames; got "
                f"{t.spatial_tokens} and {t.temporal_tokens}"
            )
        self.merge = PatchesToQueries(channels, width, side // count, t.encoder_blocks + t.spatial_depth, frames=2)
        self.split = TokensToPatches(width, side // count, frames=2)
        self.refine = Refinement(width, t.decoder_blocks + t.temporal_depth)

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """There is no temporal part: later frames are merged as the first one is."""
        return {"spatial": [self.merge], "temporal": [], "decoder": [self.split, self.refine]}

    def encode(self, patches: Tensor) -> tuple[Tensor, Tensor | None]:
        merged = self.merge(patches)  # (B, D, 1 + k, h / f, w / f)
        later = merged[:, :, 1:]
        return as_sequence(merged[:, :, :1]), as_sequence(later) if later.shape[2] else None

    def decode(self, zq_spatial: Tensor, zq_temporal: Tensor | None, frames: int) -> Tensor:
        tokens = zq_spatial if zq_temporal is None else torch.cat([zq_spatial, zq_temporal], dim=1)
        return self.refine(self.split(as_grid(tokens, frames)))


ARCHITECTURES: dict[str, Any] = {
    "decoupled": DecoupledQueries,
    "coupled": CoupledQueries,
    "downsample": Downsampling,
    "holistic": Holistic,
    "cvivit": Patchwise,
    "omnitokenizer": WindowedPatchwise,
    "hierarchical": Hierarchical,
}
