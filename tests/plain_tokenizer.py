"""The tokenizer (architecture `decoupled`, union lookup) as one would write it down first: the oracle of tests/models,
and what `make bench` compares speed with.

Patches by strided convolutions, every score and logit in memory, heads by reshaping, words by all distances, codes of the
words computed at each call. Reads the weights of a VideoTokenizer and shares none of its arithmetic but positions, words'
codes and the whitening of latents, which have oracles of their own.
"""

import math

import torch
import torch.nn.functional as F

from sweettok.models.patches import square_positions


def encode(model, clip):
    """clip (B, 3, T, H, W) -> tokens (B, L_s + L_t)."""
    backbone, p, s = model.backbone, model.patches.spatial, model.patches.temporal
    width = model.config.width
    first = F.conv2d(clip[:, :, 0], _kernel(backbone.embed.first, (p, p)), backbone.embed.first.bias, stride=p)
    rest = F.conv3d(clip[:, :, 1:], _kernel(backbone.embed.rest, (s, p, p)), backbone.embed.rest.bias, stride=(s, p, p))
    v_s = first.flatten(2).transpose(1, 2)  # (B, hw, D)
    v_t = rest.flatten(3).permute(0, 2, 3, 1)  # (B, k, hw, D)
    frames, cells = 1 + v_t.shape[1], v_s.shape[1]
    positions = square_positions(frames, cells, width)
    blank = clip.new_zeros(len(clip), model.config.spatial_tokens, width)
    z_s = _stack(backbone.spatial_encoder, blank, backbone.spatial_queries, v_s, positions[0])
    before = torch.cat([v_s[:, None], v_t[:, :-1]], 1) if model.config.residual == "consecutive" else v_s[:, None]
    residuals, places = before - v_t, positions[1:]
    blank = clip.new_zeros(len(clip), model.config.temporal_tokens, width)
    if model.config.temporal_queries == "per_location":
        z_t = _stack_by_cell(backbone.temporal_encoder, blank, backbone.temporal_queries, residuals, places)
    else:
        residuals, places = residuals.flatten(1, 2), places.flatten(0, 1)
        z_t = _stack(backbone.temporal_encoder, blank, backbone.temporal_queries, residuals, places)
    found = []
    for name, z in (("spatial", z_s), ("temporal", z_t)):
        quantizer = model.quantizers[name]
        quantizer._cache = None
        found.append(torch.cdist(quantizer.to_code(z), quantizer.codes()[None]).argmin(-1))
    return torch.cat(found, dim=1)


def decode(model, tokens):
    """tokens (B, L_s + L_t) -> clip (B, 3, T, H, W)."""
    backbone, count, width = model.backbone, model.config.spatial_tokens, model.config.width
    frames, cells = model.latent_frames(model.frames), (model.size // model.patches.spatial) ** 2
    zq = []
    for name, indices in (("spatial", tokens[:, :count]), ("temporal", tokens[:, count:])):
        quantizer = model.quantizers[name]
        quantizer._cache = None
        zq.append(_linear(quantizer.project_out, quantizer.codes()[indices]))
    positions = square_positions(frames, cells, width)
    queries = (backbone.patch_query + positions[0]).expand(len(tokens), cells, width)
    v_s = _stack(backbone.spatial_decoder, queries, positions[0], zq[0], backbone.spatial_queries)
    tiled = v_s[:, :, None] + positions.transpose(0, 1)  # (B, hw, 1 + k, D)
    v = _stack_of_cells(backbone.temporal_decoder, tiled, positions.transpose(0, 1), zq[1], backbone.temporal_queries)
    logits = _linear(model.to_logits, v.transpose(1, 2))  # (B, 1 + k, hw, codes)
    codes = torch.exp(logits - logits.logsumexp(-1, keepdim=True)) @ model.proxy_codes
    return _pixels(model, codes).clamp(-1, 1)


def _pixels(model, codes):
    decoder, p, s = model.pixel_decoder, model.patches.spatial, model.patches.temporal
    x = _linear(decoder.expand, codes)
    for block in decoder.blocks:
        y = _norm(block.space_norm, x)
        x = x + _attention(block.space, y, y, y)
        y = _norm(block.time_norm, x).transpose(1, 2)
        x = x + _attention(block.time, y, y, y, causal=True).transpose(1, 2)
        x = x + _feed(block.feed, _norm(block.feed_norm, x))
    x = _norm(decoder.norm, x)
    batch, side, later = len(x), model.size // p, x.shape[1] - 1
    first = _linear(decoder.to_pixels.first, x[:, 0]).view(batch, side, side, 3, p, p)
    first = first.permute(0, 3, 1, 4, 2, 5).reshape(batch, 3, 1, model.size, model.size)
    rest = _linear(decoder.to_pixels.rest, x[:, 1:]).view(batch, later, side, side, 3, s, p, p)
    rest = rest.permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(batch, 3, later * s, model.size, model.size)
    return torch.cat([first, rest], dim=2)


def _stack(stack, queries, address, patches, places):
    """Everything sees everything: queries (B, Q, D) read patches (B, K, D)."""
    for layer in stack.layers:
        queries = _mix(layer, queries, address)
        patches = _mix_patches(layer, patches, places)
        queries = _read(layer, queries, address, patches, places)
    return _norm(stack.norm, queries)


def _stack_by_cell(stack, queries, address, residuals, places):
    """One query (B, hw, D) a cell, which reads the residuals (B, k, hw, D) of that cell."""
    by_cell, places = residuals.transpose(1, 2), places.transpose(0, 1)  # (B, hw, k, D), (hw, k, D)
    for layer in stack.layers:
        queries = _mix(layer, queries, address)
        by_cell = _mix_patches(layer, by_cell, places)
        queries = _read(layer, queries[:, :, None], address[:, None], by_cell, places)[:, :, 0]
    return _norm(stack.norm, queries)


def _stack_of_cells(stack, queries, address, tokens, places):
    """Queries (B, hw, T, D) see those of their cell, and read all tokens (B, L, D)."""
    for layer in stack.layers:
        queries = _mix(layer, queries, address)
        tokens = _mix_patches(layer, tokens, places)
        flat = _read(layer, queries.flatten(1, 2), address.flatten(0, 1), tokens, places)
        queries = flat.view_as(queries)
    return _norm(stack.norm, queries)


def _mix(layer, queries, address):
    value = _norm(layer.query_norm, queries)
    queries = queries + _attention(layer.query_attention, value + address, value + address, value)
    return queries + _feed(layer.query_feed, _norm(layer.query_feed_norm, queries))


def _mix_patches(layer, patches, places):
    value = _norm(layer.patch_norm, patches)
    patches = patches + _attention(layer.patch_attention, value + places, value + places, value)
    return patches + _feed(layer.patch_feed, _norm(layer.patch_feed_norm, patches))


def _read(layer, queries, address, patches, places):
    read, value = layer.read, _norm(layer.read_patch_norm, patches)
    q = _linear(read.query, _norm(layer.read_norm, queries)) + _linear(read.query_place, address)
    k = _linear(read.key, value) + _linear(read.key_place, places)
    queries = queries + _linear(read.out, _heads(q, k, _linear(read.value, value), read.heads))
    return queries + _feed(layer.read_feed, _norm(layer.read_feed_norm, queries))


def _attention(module, queries, keys, values, causal=False):
    q, k, v = _linear(module.query, queries), _linear(module.key, keys), _linear(module.value, values)
    return _linear(module.out, _heads(q, k, v, module.heads, causal))


def _heads(q, k, v, heads, causal=False):
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(-3, -2) for x in (q, k, v))  # (..., heads, N, d)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)
    return (scores.softmax(-1) @ v).transpose(-3, -2).flatten(-2)


def _feed(feed, x):
    hidden = _linear(feed[0], x)
    return _linear(feed[2], hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2))))


def _linear(layer, x):
    return x @ layer.weight.T if layer.bias is None else x @ layer.weight.T + layer.bias


def _norm(layer, x):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + layer.eps).sqrt() * layer.weight + layer.bias


def _kernel(linear, size):
    """The weight (D, 3 * patch) of a linear patch embedding as a convolution's (D, 3, *patch)."""
    return linear.weight.view(-1, 3, *size)
