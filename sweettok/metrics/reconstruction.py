"""How well a tokenizer gives clips back: fidelity, distances on judge features, codebook health, bits (T1, T3)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweettok.metrics.baselines import mean_colour
from sweettok.metrics.bits import TokenGroup, index_count, token_bits, token_count
from sweettok.metrics.codebook_health import CodebookHealth
from sweettok.metrics.fidelity import psnr, ssim
from sweettok.metrics.frechet import frechet_record
from sweettok.metrics.perceptual import perceptual_distance
from sweettok.metrics.record import record
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import EvaluateReconstruction
from sweettok.video.store import ClipStore


@dataclass(frozen=True)
class Reconstructions:
    """Per-clip scores and features of one method on one split."""

    scores: dict[str, np.ndarray]  # psnr, ssim, perceptual: (n,)
    features: dict[str, np.ndarray]  # video, image: (n, F)
    first: Tensor  # the first clips, for pictures


@torch.no_grad()
def judge_features(judge: Judge, clip: Tensor) -> dict[str, Tensor]:
    """clip (B, 3, T, H, W) -> what the judge sees in the whole clip and in its first frame, (B, F) each."""
    return {"video": judge.video_features(clip), "image": judge.image_features(clip[:, :, :1])}


def real_features(judge: Judge, store: ClipStore, batch_size: int) -> dict[str, np.ndarray]:
    """The judge's features of the clips themselves, which Frechet distances are measured from: (n, F) each."""
    parts = [judge_features(judge, store.clips(indices)) for indices in torch.arange(len(store)).split(batch_size)]
    return _joined(parts)


def mean_colour_psnr(store: ClipStore, batch_size: int) -> float:
    """Mean PSNR in dB of each clip's mean colour: what a method must beat to have learned anything."""
    parts = (store.clips(indices) for indices in torch.arange(len(store)).split(batch_size))
    return torch.cat([psnr(clip, mean_colour(clip)) for clip in parts]).mean().item()


@torch.no_grad()
def score(
    method: Callable[[Tensor], Tensor], judge: Judge, store: ClipStore, batch_size: int, keep: int = 8
) -> Reconstructions:
    """Run `method` (clip -> reconstruction in [-1, 1]) over a split and score each clip."""
    scores: dict[str, list] = {"psnr": [], "ssim": [], "perceptual": []}
    features, first = [], []
    for indices in torch.arange(len(store)).split(batch_size):
        clip = store.clips(indices)
        made = method(clip)
        scores["psnr"].append(psnr(clip, made))
        scores["ssim"].append(ssim(clip, made))
        scores["perceptual"].append(perceptual_distance(judge, clip, made))
        features.append(judge_features(judge, made))
        if sum(map(len, first)) < keep:
            first.append(made)
    joined = {name: torch.cat(parts).double().numpy() for name, parts in scores.items()}
    return Reconstructions(joined, _joined(features), torch.cat(first)[:keep])


def _joined(parts: list[dict[str, Tensor]]) -> dict[str, np.ndarray]:
    return {kind: torch.cat([part[kind] for part in parts]).numpy() for kind in parts[0]}


def summarise(
    made: Reconstructions,
    real: dict[str, np.ndarray],
    judge: Judge,
    store: ClipStore,
    settings: EvaluateReconstruction,
) -> dict[str, dict]:
    """Metric records of a method: means over clips with bootstrap intervals, Frechet distances to the real clips.

    real: what `real_features` gives for the same store.
    """
    facts = {"split": store.split, "seed": settings.seed}
    protocol = {"frames": store.frames, "resolution": store.size}
    extractor = {"extractor": judge.name, "weights_sha256": judge.fingerprint}
    names = {"psnr": "psnr", "ssim": "ssim", "perceptual": "perceptual/judge"}
    records = {}
    for key, name in names.items():
        values = made.scores[key]
        interval = bootstrap_interval(values, settings.bootstrap, settings.seed)
        more = extractor if key == "perceptual" else {}
        records[name] = record(
            float(values.mean()), len(values), interval=list(interval), metric=name, **facts, **protocol, **more
        )
    for kind in ("video", "image"):
        name, seen = f"frechet_{kind}/judge", "whole clip" if kind == "video" else "first frame"
        records[name] = frechet_record(
            made.features[kind],
            real[kind],
            paired=True,
            metric=name,
            **facts,
            **protocol,
            **extractor,
            input=seen,
        )
    return records


@torch.no_grad()
def codebook_health(model: VideoTokenizer, store: ClipStore, batch_size: int) -> dict[str, dict[str, Any]]:
    """Usage of each token group's words on a split."""
    counters = {group: CodebookHealth(quantizer.size, quantizer.words) for group, quantizer in model.quantizers.items()}
    spatial = model.config.spatial_tokens
    for indices in torch.arange(len(store)).split(batch_size):
        tokens = model.encode(store.clips(indices))
        counters["spatial"].update(tokens[:, :spatial])
        counters["temporal"].update(tokens[:, spatial:])
    return {group: counter.summary() for group, counter in counters.items()}


def size_of_code(model: VideoTokenizer) -> dict[str, float]:
    """Tokens, indices and bits of a clip (PAPER.md C11: tokens alone mislead)."""
    groups = [
        TokenGroup(model.groups[name], tuple(count for _, count in quantizer.slots))
        for name, quantizer in model.quantizers.items()
    ]
    return {"tokens": token_count(groups), "indices": index_count(groups), "bits": token_bits(groups)}


def size_of_proxy_code(proxy: ProxyTokenizer, frames: int, size: int) -> dict[str, float]:
    """The same for the proxy: one code a patch."""
    patches = (1 + (frames - 1) // proxy.patches.temporal) * (size // proxy.patches.spatial) ** 2
    groups = [TokenGroup(patches, (proxy.proxy.codes,))]
    return {"tokens": patches, "indices": patches, "bits": token_bits(groups)}


def per_clip_rows(made: Reconstructions, store: ClipStore) -> "dict[str, Any]":
    """Columns of a per-clip CSV."""
    return {"clip": store.labels["clip"].to_numpy()} | made.scores
