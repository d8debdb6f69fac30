"""How well a tokenizer gives clips back: fidelity, distances on judge features, codebook health, bits (T1, T3)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

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
def score(
    method: Callable[[Tensor], Tensor], judge: Judge, store: ClipStore, batch_size: int, keep: int = 8
) -> Reconstructions:
    """Run `method` (clip -> reconstruction in [-1, 1]) over a split and score each clip."""
    scores: dict[str, list] = {"psnr": [], "ssim": [], "perceptual": []}
    features: dict[str, list] = {"video": [], "image": []}
    first = []
    for indices in torch.arange(len(store)).split(batch_size):
        clip = store.clips(indices)
        made = method(clip)
        scores["psnr"].append(psnr(clip, made))
        scores["ssim"].append(ssim(clip, made))
        scores["perceptual"].append(perceptual_distance(judge, clip, made))
        features["video"].append(judge.video_features(made))
        features["image"].append(judge.image_features(made[:, :, :1]))
        if sum(map(len, first)) < keep:
            first.append(made)
    joined = {name: torch.cat(parts).double().numpy() for name, parts in scores.items()}
    return Reconstructions(
        joined, {name: torch.cat(parts).numpy() for name, parts in features.items()}, torch.cat(first)[:keep]
    )


def summarise(
    made: Reconstructions, real: Reconstructions, judge: Judge, store: ClipStore, settings: EvaluateReconstruction
) -> dict[str, dict]:
    """Metric records of a method: means over clips with bootstrap intervals, Frechet distances to the real clips."""
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
            real.features[kind],
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
