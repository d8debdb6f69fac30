"""How well a tokenizer gives clips back: fidelity, distances on features, codebook health, bits (T1, T3)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from sweettok.metrics.bits import TokenGroup, index_count, token_bits, token_count
from sweettok.metrics.codebook_health import CodebookHealth
from sweettok.metrics.distances import FrechetDistance, distance_records
from sweettok.metrics.record import record
from sweettok.metrics.round_trip import RoundTrip
from sweettok.metrics.scorers import Scorer
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.processes import gathered_objects, process_count, process_rank
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import EvaluateReconstruction
from sweettok.video.store import ClipStore

if TYPE_CHECKING:
    from sweettok.tokenizers.base import ClipTokenizer


@dataclass(frozen=True)
class Reconstructions:
    """Per-clip scores and features of one tokenizer on one split.

    scores    name of a scorer -> (n,);  features: name of a distance -> (n, F)
    first     the first clips, for pictures
    shape     tokens of a clip, indices of a token
    sizes     of a variable rate: bits of each clip (n,), and what else the tokenizer counts
    """

    scores: dict[str, np.ndarray]
    features: dict[str, np.ndarray]
    first: Tensor
    shape: tuple[int, int]
    sizes: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Piece:
    """What is kept of a batch of B clips.

    scores    name of a scorer -> (B,);  features: name of a distance -> (n, F), of the clips that it selects
    sizes     of a variable rate: bits of each clip (B,), and what else the tokenizer counts
    shape     tokens of a clip, indices of a token
    """

    scores: dict[str, np.ndarray]
    features: dict[str, np.ndarray]
    sizes: dict[str, np.ndarray]
    shape: tuple[int, int]


Watch = Callable[[Sequence[int]], Iterable[int]]
NamedWatch = Callable[[str, Sequence[int]], Iterable[int]]  # the name says what is watched
Collect = Callable[[Sequence[int], Callable[[int], Piece], Watch], list[Piece]]


def unwatched(name: str, numbers: Sequence[int]) -> Sequence[int]:
    """Without a progress bar."""
    return numbers


def measured_in_turn(numbers: Sequence[int], measure: Callable[[int], Piece], watch: Watch) -> list[Piece]:
    """The pieces of all numbers, in their order."""
    return [measure(number) for number in watch(numbers)]


@torch.no_grad()
def score(
    tokenizer: "ClipTokenizer",
    store: ClipStore,
    batch_size: int,
    scorers: Sequence[Scorer],
    distances: Sequence[FrechetDistance] = (),
    keep: int = 8,
    device: torch.device | str = "cpu",
    watch: Watch = iter,
    collect: Collect = measured_in_turn,
) -> Reconstructions:
    """Encode and decode a split by `tokenizer` on `device`, and score each clip there: so are the networks of the scorers.

    Distances to the same split share the reconstructions; those of a protocol on another split have a run of their own.
    Each process scores its share of the split's clips; the scores of all come back in all. One batch of clips is held at a
    time. keep: how many of the first clips to give back.
    watch: wraps the numbers of the batches, for a progress bar. collect: measures the batches, or knows what they gave.
    Raises InputError where the tokenizer breaks its protocol (`RoundTrip`).
    """
    round_trip = RoundTrip(tokenizer, device)
    shared = [distance for distance in distances if distance.selection.store.split == store.split]
    parts = torch.arange(len(store)).split(batch_size)
    first: list[Tensor] = []

    def measure(number: int) -> Piece:
        indices = parts[number]
        clip = store.clips(indices).to(device)
        tokens = round_trip.encode(clip)
        reconstructed = round_trip.decode(tokens, clip)
        if sum(map(len, first)) < keep:
            first.append(reconstructed.to("cpu", copy=True))  # a tokenizer may use its output again
        return Piece(
            {scorer.name: scorer.compute(clip, reconstructed).double().cpu().numpy() for scorer in scorers},
            {distance.name: _features(distance, reconstructed, indices) for distance in shared},
            {key: values.cpu().numpy() for key, values in round_trip.sizes(tokens).items()},
            (tokens.shape[1], tokens[0, 0].numel()),
        )

    own = np.array_split(np.arange(len(parts)), process_count())[process_rank()].tolist()
    shares = gathered_objects((collect(own, measure, watch), first))
    pieces = [piece for found, _ in shares for piece in found]
    kept = [clip for _, clips in shares for clip in clips]
    others = [distance for distance in distances if distance.selection.store.split != store.split]
    features = {d.name: np.concatenate([piece.features[d.name] for piece in pieces]) for d in shared}
    return Reconstructions(
        scores={s.name: np.concatenate([piece.scores[s.name] for piece in pieces]) for s in scorers},
        features=features | {distance.name: distance.method_features(round_trip, batch_size) for distance in others},
        first=torch.cat(kept)[:keep] if kept else torch.empty(0),
        shape=pieces[0].shape,
        sizes={key: np.concatenate([piece.sizes[key] for piece in pieces]) for key in pieces[0].sizes},
    )


def _features(distance: FrechetDistance, reconstructed: Tensor, indices: Tensor) -> np.ndarray:
    """Features (n, F) of those of the reconstructed clips `indices` that a distance selects; n may be 0."""
    rows = distance.selection.rows
    numbers = np.flatnonzero(np.isin(rows, indices.numpy()))
    if not len(numbers):
        return np.empty((0, distance.extractor.dims), np.float32)
    return distance.reconstructed_features(reconstructed[rows[numbers] - int(indices[0])], numbers)


def summarise(
    reconstructions: Reconstructions,
    store: ClipStore,
    settings: EvaluateReconstruction,
    scorers: Sequence[Scorer],
    distances: Sequence[FrechetDistance] = (),
) -> dict[str, dict]:
    """Metric records of a tokenizer: means over clips with bootstrap intervals, Frechet distances to the real clips.

    scorers, distances: those that `score` was given.
    """
    protocol = {"frames": store.frames, "resolution": store.size}
    records = {}
    for scorer in scorers:
        values = reconstructions.scores[scorer.name]
        several = len(values) > 1  # of a single clip nothing is known of others
        interval = tuple(bootstrap_interval(values, settings.bootstrap, settings.seed)) if several else None
        facts = protocol | scorer.facts
        records[scorer.name] = record(
            float(values.mean()), len(values), store.split, settings.seed, interval, metric=scorer.name, **facts
        )
    return records | distance_records(distances, reconstructions.features, settings.seed, paired=True)


def clip_size(tokenizer: "ClipTokenizer", reconstructions: Reconstructions) -> dict[str, float | None]:
    """Tokens, indices and bits of a clip; of a variable rate the mean bits, and no tokens.

    Bits are compared, not tokens: token counts alone mislead (docs/paper.md, C11).
    """
    if reconstructions.sizes:
        return {"tokens": None, "indices": None, "bits": float(reconstructions.sizes["bits"].mean())}
    tokens, indices = reconstructions.shape
    return {"tokens": tokens, "indices": tokens * indices, "bits": tokenizer.bits_per_clip}


@torch.no_grad()
def codebook_health(model: VideoTokenizer, store: ClipStore, batch_size: int) -> dict[str, dict[str, Any]]:
    """Usage of each token group's words on a split."""
    counters = {group: CodebookHealth(quantizer.size, quantizer.words) for group, quantizer in model.quantizers.items()}
    for indices in torch.arange(len(store)).split(batch_size):
        tokens = model.encode(store.clips(indices).to(model.device)).cpu()
        parts = tokens.split(list(model.groups.values()), dim=1)
        for group, part in zip(model.groups, parts, strict=True):
            counters[group].update(part)
    return {group: counter.summary() for group, counter in counters.items()}


@torch.no_grad()
def clip_words(model: VideoTokenizer, clips: Tensor) -> list[dict[str, list[str]]]:
    """The words of each clip by token group, in the order of its tokens (composed tokens: three words each).

    clips: (B, 3, T, H, W) in [-1, 1]. Codes of a learned codebook are "code 0", "code 1", ...
    """
    tokens = model.encode(clips.to(model.device)).cpu()
    parts = tokens.split(list(model.groups.values()), dim=1)
    named: list[dict[str, list[str]]] = [{} for _ in clips]
    for (group, quantizer), part in zip(model.quantizers.items(), parts, strict=True):
        words = quantizer.words or [f"code {index}" for index in range(quantizer.size)]
        for clip, indices in zip(named, part.flatten(1).tolist(), strict=True):
            clip[group] = [words[index] for index in indices]
    return named


def code_size(model: VideoTokenizer) -> dict[str, float]:
    """Tokens, indices and bits of a clip."""
    groups = [
        TokenGroup(model.groups[name], tuple(count for _, count in quantizer.slots))
        for name, quantizer in model.quantizers.items()
    ]
    return {"tokens": token_count(groups), "indices": index_count(groups), "bits": token_bits(groups)}


def parameter_counts(model: VideoTokenizer) -> dict[str, int]:
    """`parameters` of the tokenizer in use, which is what comparisons are about, and `parameters_trained`.

    A word's code is a row of a table once training is over; the graph convolution that made it is no capacity. Nor is
    a prior that trained along.
    """
    trained = sum(parameter.numel() for parameter in model.parameters())
    folded = sum(quantizer.folded_parameters for quantizer in model.quantizers.values())
    if model.token_prior is not None:
        folded += sum(parameter.numel() for parameter in model.token_prior.parameters())
    return {"parameters": trained - folded, "parameters_trained": trained}


def operation_count(model: VideoTokenizer) -> int:
    """Floating-point operations of encoding and decoding one clip: products of matrices, convolutions and attention.

    A multiplication and its addition count as two. torch knows no count of the CPU's attention.
    """
    attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    counted = {attention: lambda query, key, value, *rest, **more: sdpa_flop_count(query, key, value)}
    clip = torch.zeros(1, 3, model.frames, model.size, model.size, device=model.device)
    with FlopCounterMode(display=False, custom_mapping=counted) as counter:
        model.reconstruct(clip)
    return counter.get_total_flops()


def per_clip_rows(reconstructions: Reconstructions, store: ClipStore, scorers: Sequence[Scorer]) -> dict[str, Any]:
    """Columns of a per-clip CSV."""
    columns = {scorer.column: reconstructions.scores[scorer.name] for scorer in scorers}
    return {"clip": store.labels["clip"].to_numpy()} | columns
