"""How well a tokenizer gives clips back: fidelity, distances on features, codebook health, bits (T1, T3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweettok.metrics.baselines import mean_colour
from sweettok.metrics.bits import TokenGroup, index_count, token_bits, token_count
from sweettok.metrics.codebook_health import CodebookHealth
from sweettok.metrics.distances import Distance, distance_records
from sweettok.metrics.fidelity import psnr, ssim
from sweettok.metrics.perceptual import perceptual_distance
from sweettok.metrics.perceptual_networks import PerceptualNetwork
from sweettok.metrics.record import record
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.judge import Judge
from sweettok.models.processes import gathered_objects, process_count, process_rank
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import EvaluateReconstruction
from sweettok.video.store import ClipStore

NAMES = {"perceptual": "perceptual/judge"}  # score -> metric, where they differ


@dataclass(frozen=True)
class Reconstructions:
    """Per-clip scores and features of one method on one split."""

    scores: dict[str, np.ndarray]  # psnr, ssim, perceptual, and the metric of each further network: (n,)
    features: dict[str, np.ndarray]  # name of a distance -> (n, F)
    first: Tensor  # the first clips, for pictures


def mean_colour_psnr(store: ClipStore, batch_size: int) -> float:
    """Mean PSNR in dB of each clip's mean colour: what a method must beat to have learned anything."""
    parts = (store.clips(indices) for indices in torch.arange(len(store)).split(batch_size))
    return torch.cat([psnr(clip, mean_colour(clip)) for clip in parts]).mean().item()


@torch.no_grad()
def score(
    method: Callable[[Tensor], Tensor],
    judge: Judge,
    store: ClipStore,
    batch_size: int,
    distances: Sequence[Distance],
    networks: Sequence[PerceptualNetwork] = (),
    keep: int = 8,
) -> Reconstructions:
    """Run `method` (clip -> reconstruction in [-1, 1]) over a split and score each clip.

    Distances to the same split share the reconstructions; those of a protocol on another split have a run of their own.
    Each process scores its share of the split's clips; the scores of all come back in all.
    """
    scores: dict[str, list] = {"psnr": [], "ssim": [], "perceptual": [], **{network.metric: [] for network in networks}}
    shared = [distance for distance in distances if distance.selection.store.split == store.split]
    features: dict[str, list] = {distance.name: [] for distance in shared}
    first: list[Tensor] = []
    parts = torch.arange(len(store)).split(batch_size)
    for number in np.array_split(np.arange(len(parts)), process_count())[process_rank()]:
        indices = parts[number]
        clip = store.clips(indices)
        made = method(clip)
        scores["psnr"].append(psnr(clip, made))
        scores["ssim"].append(ssim(clip, made))
        scores["perceptual"].append(perceptual_distance(judge, clip, made))
        for network in networks:
            scores[network.metric].append(network.distance(clip, made))
        for distance in shared:
            rows = distance.selection.rows
            numbers = np.flatnonzero(np.isin(rows, indices.numpy()))
            if len(numbers):
                places = rows[numbers] - int(indices[0])
                features[distance.name].append(distance.of_tokenized(made[places], numbers))
        if sum(map(len, first)) < keep:
            first.append(made)
    all_scores, all_features, all_first = zip(*gathered_objects((scores, features, first)), strict=True)
    joined = {name: torch.cat(_in_order(all_scores, name)).double().numpy() for name in scores}
    seen = {name: np.concatenate(_in_order(all_features, name)) for name in features}
    seen |= {other.name: other.of_method(method, batch_size) for other in distances if other.name not in seen}
    return Reconstructions(joined, seen, torch.cat([clip for each in all_first for clip in each])[:keep])


def _in_order(shares: Sequence[dict[str, list]], name: str) -> list:
    """The pieces that the processes, one behind the other, have under a name."""
    return [piece for share in shares for piece in share[name]]


def summarise(
    made: Reconstructions,
    judge: Judge,
    store: ClipStore,
    settings: EvaluateReconstruction,
    distances: Sequence[Distance],
    networks: Sequence[PerceptualNetwork] = (),
) -> dict[str, dict]:
    """Metric records of a method: means over clips with bootstrap intervals, Frechet distances to the real clips.

    distances, networks: those that `score` was given.
    """
    extractors = {"perceptual": {"extractor": judge.name, "weights_sha256": judge.fingerprint}}
    extractors |= {network.metric: network.facts for network in networks}
    protocol = {"frames": store.frames, "resolution": store.size}
    records = {}
    for key, values in made.scores.items():
        name, interval = NAMES.get(key, key), bootstrap_interval(values, settings.bootstrap, settings.seed)
        facts = protocol | extractors.get(key, {})
        records[name] = record(
            float(values.mean()), len(values), store.split, settings.seed, tuple(interval), metric=name, **facts
        )
    return records | distance_records(distances, made.features, settings.seed, paired=True)


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


def size_of_code(model: VideoTokenizer) -> dict[str, float]:
    """Tokens, indices and bits of a clip (docs/paper.md, C11: tokens alone mislead)."""
    groups = [
        TokenGroup(model.groups[name], tuple(count for _, count in quantizer.slots))
        for name, quantizer in model.quantizers.items()
    ]
    return {"tokens": token_count(groups), "indices": index_count(groups), "bits": token_bits(groups)}


def parameter_counts(model: VideoTokenizer) -> dict[str, int]:
    """`parameters` of the tokenizer in use, which is what comparisons are about, and `parameters_trained`.

    A word's code is a row of a table once training is over; the graph convolution that made it is no capacity.
    """
    trained = sum(parameter.numel() for parameter in model.parameters())
    folded = sum(quantizer.folded_parameters for quantizer in model.quantizers.values())
    return {"parameters": trained - folded, "parameters_trained": trained}


def size_of_proxy_code(proxy: ProxyTokenizer, frames: int, size: int) -> dict[str, float]:
    """The same for the proxy: one code a patch."""
    patches = (1 + (frames - 1) // proxy.patches.temporal) * (size // proxy.patches.spatial) ** 2
    return {"tokens": patches, "indices": patches, "bits": patches * proxy.bits_per_patch}


def per_clip_rows(made: Reconstructions, store: ClipStore) -> "dict[str, Any]":
    """Columns of a per-clip CSV."""
    return {"clip": store.labels["clip"].to_numpy()} | made.scores
