"""The tokenizer (architecture `decoupled`, union lookup) as one would write it down first: the oracle of tests/models,
and what `make bench` compares speed with.

Patches by strided convolutions, causal blocks frame by frame, every score and logit in memory, heads by reshaping, words
by all distances, codes of the words computed at each call. Reads the weights of a VideoTokenizer and shares none of its
arithmetic but positions, words' codes and the whitening of latents, which have oracles of their own. Grids are
(B, D, h, w) of one frame, and clips lists of them.
"""

import math

import torch
import torch.nn.functional as F

from sweettok.models.patches import square_positions
from sweettok.models.queries import PLACE_SCALE


def encode(model, clip):
    """clip (B, 3, T, H, W) -> tokens (B, L_s + L_t)."""
    backbone, config = model.backbone, model.config
    frames = _features(model, clip)
    places = _places(model, len(frames))
    queries = _rows(_gather(backbone.spatial_start, frames[:1])[0]) + backbone.spatial_queries
    seen = _linear(backbone.patch_to_width, _rows(frames[0])) + places[0]
    z_spatial = _stack(backbone.spatial_encoder, queries, seen)

    before = frames[:-1] if config.residual == "consecutive" else frames[:1] * (len(frames) - 1)
    residuals = [earlier - later for earlier, later in zip(before, frames[1:], strict=True)]
    starts = [torch.cat([frames[0], residual], dim=1) for residual in residuals]
    queries = torch.cat([_rows(start) for start in _gather(backbone.temporal_start, starts)], dim=1)
    queries = queries + backbone.temporal_queries
    seen = [_linear(backbone.residual_to_width, _rows(r)) + p for r, p in zip(residuals, places[1:], strict=True)]
    if config.temporal_queries == "per_location":
        by_patch = [
            _stack(backbone.temporal_encoder, queries[:, patch, None], torch.stack([r[:, patch] for r in seen], dim=1))
            for patch in range(queries.shape[1])
        ]
        z_temporal = torch.cat(by_patch, dim=1)
    else:
        z_temporal = _stack(backbone.temporal_encoder, queries, torch.cat(seen, dim=1))
    found = []
    for name, z in (("spatial", z_spatial), ("temporal", z_temporal)):
        quantizer = model.quantizers[name]
        quantizer._cache = None
        found.append(torch.cdist(quantizer.to_code(z), quantizer.codes()[None]).argmin(-1))
    return torch.cat(found, dim=1)


def decode(model, tokens):
    """tokens (B, L_s + L_t) -> clip (B, 3, T, H, W)."""
    backbone, count = model.backbone, model.config.spatial_tokens
    zq = []
    for name, indices in (("spatial", tokens[:, :count]), ("temporal", tokens[:, count:])):
        quantizer = model.quantizers[name]
        quantizer._cache = None
        zq.append(_linear(quantizer.project_out, quantizer.codes()[indices]))
    places, spatial = _places(model, model.latent_frames(model.frames)), zq[0] + backbone.spatial_queries
    space = _rows(_scatter(backbone.spatial_spread, [_square(zq[0])])[0]) + places[0]
    space = _stack(backbone.spatial_decoder, space, spatial)
    times = len(places) - 1 if model.config.temporal_queries == "per_frame" else 1
    change = _scatter(backbone.temporal_spread, [_square(tokens) for tokens in zq[1].chunk(times, dim=1)])
    tiled = [space + _rows(moved) + place for moved, place in zip(change, places[1:], strict=True)]
    seen = torch.cat([zq[1] + backbone.temporal_queries, spatial], dim=1)
    later = [_stack(backbone.temporal_decoder, frame, seen) for frame in tiled]
    grid = [_square(space), *map(_square, later)]
    grid = [F.silu(frame) for frame in _channel_norm(backbone.refine.norm, _blocks(backbone.refine.blocks, grid))]
    logits = [_linear(model.to_logits, _rows(frame)) for frame in grid]  # (B, hw, sum of levels) each
    return _pixels(model, [_expected(model, of_frame) for of_frame in logits]).clamp(-1, 1)


def _features(model, clip):
    """clip -> features of its patches, one grid (B, C, h, w) a latent frame."""
    embed, p, s = model.features.embed.embed, model.patches.spatial, model.patches.temporal
    kernel = embed.weight.view(-1, 3, s, p, p)
    # The first frame counts as s frames alike.
    first = F.conv2d(clip[:, :, 0], kernel.sum(2), embed.bias, stride=p)
    rest = F.conv3d(clip[:, :, 1:], kernel, embed.bias, stride=(s, p, p))
    return _blocks(model.features.blocks, [first, *rest.unbind(2)])


def _expected(model, logits):
    """Logits over the levels of all digits -> mean value of each digit."""
    digits, start = [], 0
    for count in model.proxy.levels:
        weights = torch.exp(logits[..., start : start + count])
        values = torch.tensor([2 * level / (count - 1) - 1 for level in range(count)])
        digits.append((weights * values).sum(-1) / weights.sum(-1))
        start += count
    return torch.stack(digits, dim=-1)


def _pixels(model, codes):
    """Values of digits (B, hw, digits), one a latent frame -> clip."""
    decoder, p, s, size = model.pixel_decoder, model.patches.spatial, model.patches.temporal, model.size
    grid = _blocks(decoder.blocks, [_square(_linear(decoder.expand, of_frame)) for of_frame in codes])
    batch, side = len(codes[0]), size // p
    first = _linear(decoder.to_pixels.first, _rows(grid[0])).view(batch, side, side, 3, p, p)
    shown = [first.permute(0, 3, 1, 4, 2, 5).reshape(batch, 3, 1, size, size)]
    for frame in grid[1:]:
        rest = _linear(decoder.to_pixels.rest, _rows(frame)).view(batch, side, side, 3, s, p, p)
        shown.append(rest.permute(0, 3, 4, 1, 5, 2, 6).reshape(batch, 3, s, size, size))
    return torch.cat(shown, dim=2)


def _places(model, frames):
    patches = (model.size // model.patches.spatial) ** 2
    return PLACE_SCALE * square_positions(frames, patches, model.config.width)


def _blocks(blocks, frames):
    """Causal blocks on a clip: over space a frame at a time, then over a frame and those before it."""
    for block in blocks:
        spread = []
        for frame in _channel_norm(block.norm, frames):
            hidden = F.conv2d(F.silu(frame), block.space.weight[:, :, 0], block.space.bias, padding=1)
            spread.append(F.silu(hidden))
        mixed = []
        for now, frame in enumerate(frames):
            total = frame + block.time.bias[:, None, None]
            for back in range(min(now + 1, block.frames)):
                weight = block.time.weight[:, :, block.frames - 1 - back, 0, 0]
                total = total + torch.einsum("oc,bchw->bohw", weight, spread[now - back])
            mixed.append(total)
        frames = mixed
    return frames


def _channel_norm(norm, frames):
    scaled = [frame / (frame.square().mean(dim=1, keepdim=True) + 1e-6).sqrt() for frame in frames]
    return [frame * norm.weight[:, 0] + norm.bias[:, 0] for frame in scaled]


def _gather(start, frames):
    """What queries start with: s x s patches of each `span` frames (B, C, h, w) become one value each."""
    weight = start.gather.weight  # (D, C, span, s, s)
    span, s = weight.shape[2], weight.shape[-1]
    tiles = [grid.unflatten(3, (-1, s)).unflatten(2, (-1, s)) for grid in frames]  # (B, C, h / s, s, w / s, s) each
    values = []
    for first in range(0, len(tiles), span):
        value = start.gather.bias[:, None, None]
        for moment in range(span):
            value = value + torch.einsum("bchiwj,dcij->bdhw", tiles[first + moment], weight[:, :, moment])
        values.append(value)
    return _blocks(start.blocks, values)


def _scatter(spread, frames):
    """The way back: each value of each frame becomes s x s patches of `span` frames."""
    weight, bias = spread.spread.weight, spread.spread.bias[:, None, None]  # (D, D, span, s, s)
    tiles = [
        torch.einsum("bchw,cdij->bdhiwj", grid, weight[:, :, moment])
        for grid in _blocks(spread.blocks, frames)
        for moment in range(weight.shape[2])
    ]
    return [tile.flatten(4, 5).flatten(2, 3) + bias for tile in tiles]


def _stack(stack, queries, patches):
    for layer in stack.layers:
        value, seen = _norm(layer.query_norm, queries), _norm(layer.patch_norm, patches)
        queries = queries + _attention(layer.read, value, seen)
        if layer.mix is not None:
            value = _norm(layer.self_norm, queries)
            queries = queries + _attention(layer.mix, value, value)
        queries = queries + _feed(layer.feed, _norm(layer.feed_norm, queries))
    return _norm(stack.norm, queries)


def _attention(module, queries, patches):
    q, k, v = _linear(module.query, queries), _linear(module.key, patches), _linear(module.value, patches)
    q, k, v = (x.unflatten(-1, (module.heads, -1)).transpose(1, 2) for x in (q, k, v))  # (B, heads, N, d)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    return _linear(module.out, (scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


def _feed(feed, x):
    hidden = _linear(feed[0], x)
    return _linear(feed[2], hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2))))


def _linear(layer, x):
    return x @ layer.weight.T if layer.bias is None else x @ layer.weight.T + layer.bias


def _norm(layer, x):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + layer.eps).sqrt() * layer.weight + layer.bias


def _rows(grid):
    """(B, D, h, w) -> (B, h w, D)."""
    return grid.flatten(2).transpose(1, 2)


def _square(rows):
    """(B, h w, D) -> (B, D, h, w)."""
    side = math.isqrt(rows.shape[1])
    return rows.transpose(1, 2).unflatten(2, (side, side))
