"""What tokens mean: few-shot classification (T7) and linear probes of spatial and temporal tokens."""

from collections import Counter

import numpy as np
import torch

from sweettok.metrics.few_shot import few_shot_accuracy
from sweettok.metrics.probes import probe
from sweettok.metrics.record import record
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.judge import Judge
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Semantics
from sweettok.video.store import ClipStore

CLIPS_AT_ONCE = 32
RESAMPLES = 1000


@torch.no_grad()
def representations(model: VideoTokenizer, judge: Judge, store: ClipStore) -> dict[str, np.ndarray]:
    """Vectors (n, F) of each clip: its words' frozen vectors (what an LLM would be told), the code vectors of its
    tokens in their places, and for reference judge features and pixels."""
    collected: dict[str, list] = {
        name: []
        for name in (
            "words_spatial",
            "words_temporal",
            "spatial",
            "temporal",
            "judge",
            "judge_image",
            "pixels",
            "first_frame",
        )
    }
    count = model.config.spatial_tokens
    for indices in torch.arange(len(store)).split(CLIPS_AT_ONCE):
        clip = store.clips(indices)
        tokens = model.encode(clip)
        for group, part in zip(model.groups, (tokens[:, :count], tokens[:, count:]), strict=False):  # images: spatial
            quantizer = model.quantizers[group]
            if quantizer.words is not None:
                collected[f"words_{group}"].append(quantizer.vectors[part].flatten(1, -2).mean(1))
            collected[group].append(quantizer.code_vectors(part).flatten(1))
        collected["judge"].append(judge.video_features(clip))
        collected["judge_image"].append(judge.image_features(clip[:, :, :1]))
        small = torch.nn.functional.adaptive_avg_pool3d(clip, (5, 8, 8))
        collected["pixels"].append(small.flatten(1))
        collected["first_frame"].append(torch.nn.functional.adaptive_avg_pool3d(clip[:, :, :1], (1, 8, 8)).flatten(1))
    return {name: torch.cat(parts).numpy() for name, parts in collected.items() if parts}


def few_shot_rows(vectors: dict[str, np.ndarray], store: ClipStore, settings: Semantics) -> list[dict]:
    """n-way k-shot accuracy by nearest class mean: images (shape of the object in the first frame) and actions (class)."""
    tasks = {"action": ("class", ("words_temporal", "temporal", "judge", "pixels"))}
    if "factor:shape" in store.labels:
        tasks["image"] = ("factor:shape", ("words_spatial", "spatial", "judge_image", "first_frame"))
    rows = []
    for task, (column, names) in tasks.items():
        labels = store.labels[column].to_numpy()
        ways = min(settings.ways, len(set(labels)))
        if ways < 2:
            continue  # one class: there is nothing to tell apart
        for shots in settings.shots:
            for name in names:
                if name not in vectors:
                    continue
                scores = few_shot_accuracy(vectors[name], labels, ways, shots, settings.episodes, settings.seed)
                interval = list(bootstrap_interval(scores, RESAMPLES, settings.seed))
                accuracy = record(
                    float(scores.mean()), len(scores), store.split, settings.seed, interval,
                    metric=f"few_shot/{task}", label=column, queries=5, classifier="nearest class mean, cosine", chance=1 / ways,
                )  # fmt: skip
                rows.append({"task": task, "ways": ways, "shots": shots, "representation": name, "accuracy": accuracy})
    return rows


def probe_rows(vectors: dict[str, np.ndarray], store: ClipStore, settings: Semantics) -> list[dict]:
    """How well a linear probe reads each factor (or, without factors, the class) from each group's codes."""
    factors = [name for name in store.labels if name.startswith("factor:")] or ["class"]
    rows = []
    for group in (name for name in ("spatial", "temporal") if name in vectors):
        for factor in factors:
            labels = store.labels[factor].to_numpy()
            if not 2 <= settings.probe_folds <= min(Counter(labels).values()) or len(set(labels)) < 2:
                continue  # a value too rare to stand in every fold
            found = probe(vectors[group], labels, settings.probe_folds, settings.seed)
            interval = list(bootstrap_interval(found.correct.astype(float), RESAMPLES, settings.seed))
            accuracy = record(
                found.accuracy, len(labels), store.split, settings.seed, interval,
                metric=f"probe/{group}/{factor}", folds=settings.probe_folds, classifier="logistic regression on code vectors",
            )  # fmt: skip
            rows.append(
                {
                    "tokens": group,
                    "factor": factor.removeprefix("factor:"),
                    "accuracy": accuracy,
                    "chance": found.chance,
                }
            )
    return rows
