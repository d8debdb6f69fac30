"""SweetTok as its authors published it (github.com/adxcreative/SweetTok), of the second training: 3,840 indices a clip.

A spatial token is the mean of two adjectives beside a noun, a temporal one the mean of two adverbs beside a verb. Its clips
are in [-0.5, 0.5], 17 frames of 256 x 256. Decoding here gives what the authors' evaluation shows, which decodes the latents
themselves; their `decode_tokens` averages other pairs (docs/paper.md, C13).
"""

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from sweettok.tokenizers.checkpoints import (
    Checkout,
    FromCheckpoint,
    check_exactly,
    checked_file,
    fill,
    fingerprint_of,
    part_of,
    read_checkpoint,
    settings_of,
)

ADDRESS = "https://github.com/adxcreative/SweetTok"
FRAMES, SIZE = 17, 256
SPATIAL, TEMPORAL = 256, 1024  # tokens
# How a clip's indices follow each other: adjectives and nouns, adverbs and verbs
GROUPS = (2 * SPATIAL, SPATIAL, 2 * TEMPORAL, TEMPORAL)


@dataclass(frozen=True)
class AuthorsSweetTok(FromCheckpoint):
    """vocabularies: how many adjectives, nouns, adverbs and verbs there are."""

    vocabularies: tuple[int, ...]

    @property
    def bits_per_clip(self) -> float:
        """log2 of the words that an index may be, summed."""
        return sum(count * math.log2(words) for count, words in zip(GROUPS, self.vocabularies, strict=True))

    def indices_of(self, clip: Tensor) -> Tensor:
        return self.network.encode(clip / 2)[1]["min_encoding_indices"]

    def clip_of(self, indices: Tensor) -> Tensor:
        groups = indices[0].split(GROUPS)
        for found, words in zip(groups, self.vocabularies, strict=True):
            if found.max() >= words:
                raise ValueError(f"{self.name}: a word must be in [0, {words}), got {found.max()}")
        network: Any = self.network
        latents = []
        for quantizer, pairs, singles in ((network.quantize, *groups[:2]), (network.quantize_temporal, *groups[2:])):
            codes = quantizer.gcn(quantizer.data.to(indices.device))
            latents.append(latents_of(codes, quantizer.adj_len, pairs, singles).mT[None, :, None, None])
        return 2 * network.decode(latents)


def latents_of(codes: Tensor, first: int, pairs: Tensor, singles: Tensor) -> Tensor:
    """codes (words, D); int64 (2 tokens,) of the `first` words, two a token, and (tokens,) of the others -> (tokens, 2 D)."""
    return torch.cat([codes[:first][pairs].unflatten(0, (-1, 2)).mean(1), codes[first:][singles]], dim=1)


def from_checkpoint(
    name: str,
    frames: int,
    size: int,
    weights: str,
    source: str,
    config: str | Mapping[str, Any],
    nouns: str,
    verbs: str,
    sha256: Mapping[str, str] | None = None,
) -> AuthorsSweetTok:
    """The model of a second training's weights.

    source: a checkout of the authors' code. config: its configs/training/stage2/SweetTok_Compact_ucf101.yaml, or the like.
    nouns, verbs: the words with their vectors and edges, saved anew by torch.save, since the published ones are pickles, which
    can run anything. sha256: of the three files, as {weights: ..., nouns: ..., verbs: ...}.
    Raises InputError (file absent, other sha256, other weights, missing package, clips of another length or size).
    """
    check_exactly(frames, size, FRAMES, SIZE)
    paths, stated = {"weights": weights, "nouns": nouns, "verbs": verbs}, dict(sha256 or {})
    found = {key: read_checkpoint(checked_file(path, stated.get(key))) for key, path in paths.items()}
    settings = settings_of(config)
    settings["experiment"] = part_of(settings, "experiment") | {"train_stage": 2}  # of stage 1 it loads another file
    network, code = _network(settings, source, found["nouns"] | found["verbs"])
    fill(network, found["weights"].get("state_dict", found["weights"]), "SweetTok")
    fingerprint = fingerprint_of("sweettok_authors", stated, settings["model"], code)
    both: Any = (network.quantize, network.quantize_temporal)
    vocabularies = tuple(len(words) for one in both for words in (one.adj_vectors, one.noun_vectors))
    return AuthorsSweetTok(name, frames, size, fingerprint, network, (sum(GROUPS),), max(vocabularies), vocabularies)


def _network(settings: Mapping[str, Any], source: str, words: Mapping[str, Any]) -> tuple[nn.Module, str]:
    """Their network, and the sha256 of the code. words: what it would read from two pickles."""
    checkout = Checkout(source, ADDRESS, ["modeling"], bare=["modeling.modules"])
    with checkout.imports():
        quantizers: Any = import_module("modeling.quantizer.quantizer")
        quantizers.open = lambda path, mode: nullcontext()
        quantizers.pickle = SimpleNamespace(load=lambda file: words)
        made: Any = import_module("modeling.sweettok")
        network = made.SweetTok_Compact(dict(settings))
    return network, checkout.sha256
