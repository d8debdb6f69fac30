"""Frechet distances to the real clips of a protocol, on the judge's features and on those of published networks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweettok.errors import InputError
from sweettok.metrics.extractors import Extractor, judge_extractor, open_extractor
from sweettok.metrics.frechet import frechet_record
from sweettok.metrics.networks import Skipped
from sweettok.metrics.protocol import Selection, first_frames, for_store, preset, select
from sweettok.metrics.reference_statistics import check_protocol, features_of, reference_features
from sweettok.metrics.registry import frechet_of
from sweettok.metrics.small_sample import limit_record, size_curve
from sweettok.models.judge import Judge
from sweettok.params import Metrics, Protocol
from sweettok.video.store import ClipStore

REFERENCE = "outputs/.reference"  # cached features of real clips; neither DVC nor git knows them
CLIPS_AT_ONCE = 32
DRAWS = 5  # of clips, at each size of a size curve


@dataclass(frozen=True)
class FrechetDistance:
    """One Frechet distance. real: the extractor's features of the selected real clips, (m, F)."""

    extractor: Extractor
    selection: Selection
    real: NDArray[np.float32]

    @property
    def name(self) -> str:
        """The extractor's metric; `<metric>@<protocol>` under a published protocol."""
        return distance_name(self.extractor.metric, self.selection.protocol.name)

    def reconstructed_features(self, reconstructed: Tensor, numbers: Any) -> NDArray[np.float32]:
        """Features (B, F) of what a tokenizer made of the whole clips `numbers` of the selection (B, 3, T, H, W)."""
        parts = zip(reconstructed.split(CLIPS_AT_ONCE), torch.as_tensor(numbers).split(CLIPS_AT_ONCE), strict=True)
        forms = (self.selection.form(clips, part) for clips, part in parts)
        return features_of(self.extractor, self.selection.protocol, forms)

    def method_features(self, method: Callable[[Tensor], Tensor], batch_size: int) -> NDArray[np.float32]:
        """Features (m, F) of what `method` (clip -> reconstruction) makes of all clips of the selection."""
        store, rows = self.selection.store, self.selection.rows
        numbers = torch.arange(len(rows)).split(batch_size)
        return np.concatenate([self.reconstructed_features(method(store.clips(rows[part])), part) for part in numbers])

    def generated_features(self, clips: Tensor) -> NDArray[np.float32]:
        """Features (n, F) of clips without a real counterpart, (n, 3, T, H, W). Raises InputError (too few frames)."""
        protocol = self.selection.protocol
        parts = (first_frames(part.to(self.extractor.device), protocol) for part in clips.split(CLIPS_AT_ONCE))
        return features_of(self.extractor, protocol, parts)

    def facts(self) -> dict[str, Any]:
        """How it is measured, for the record."""
        protocol, store = self.selection.protocol, self.selection.store
        images = self.extractor.kind == "image"
        seen = "first frame" if images else "whole clip" if protocol.frames == store.frames else "part of the clip"
        return {
            "frames": store.frames if images else protocol.frames,
            "resolution": protocol.resolution,
            "input": seen,
            "reference_clips": len(self.real),
            "data": store.fingerprint,
            "protocol": protocol.model_dump(),
            **self.extractor.identity(),
        }

    def record(self, features: NDArray, seed: int, paired: bool, variant: str = "") -> dict[str, Any]:
        """The metric record of the distance of features (n, F). paired: row i of both is of one clip."""
        protocol = self.selection.protocol
        unbiased = protocol.covariance == "unbiased"
        return frechet_record(
            features, self.real, protocol.split, seed,
            paired=paired, metric=self.name + variant, unbiased=unbiased, **self.facts(),
        )  # fmt: skip


def distance_records(
    distances: Sequence[FrechetDistance], features: Mapping[str, NDArray], seed: int, paired: bool, variant: str = ""
) -> dict[str, dict[str, Any]]:
    """`<name><variant>` -> record of each distance; features: name of a distance -> features (n, F)."""
    return {
        distance.name + variant: distance.record(features[distance.name], seed, paired, variant)
        for distance in distances
    }


def distance_name(metric: str, protocol: str) -> str:
    """Key of a distance's record: `fvd` under this project's own protocol, `fvd@larp` under LARP's."""
    return metric if protocol == "own" else f"{metric}@{protocol}"


def own_protocol(extractor: Extractor, store: ClipStore) -> Protocol:
    """All clips of the store's split as they are stored; of images and image networks, the first frame."""
    return Protocol(
        name="own",
        extractor=extractor.name,
        split=store.split,  # type: ignore[arg-type]  # ClipStore.open knows the splits
        clips=None,
        choice="first",
        frames=store.frames if extractor.kind == "video" else 1,
        start="first",
        resolution=store.size,
        fit="crop",
        antialias=True,
        pixels="float",
        covariance="unbiased",
        seed=0,
        source="this project: the split's clips as they are stored, nothing drawn, nothing resized",
    )


RealFeatures = Callable[[Extractor, Selection], NDArray[np.float32]]  # how the features of real clips are computed


def real_features(extractor: Extractor, selection: Selection) -> NDArray[np.float32]:
    """Features (n, F) of the selected real clips."""
    return features_of(extractor, selection.protocol, selection.batches(CLIPS_AT_ONCE, extractor.device))


def judge_distances(
    judge: Judge,
    store: ClipStore,
    kinds: Sequence[Literal["video", "image"]] = ("video", "image"),
    compute: RealFeatures = real_features,
) -> list[FrechetDistance]:
    """`frechet_video/judge` and `frechet_image/judge` to the clips of a store."""
    found = []
    for kind in kinds:
        extractor = judge_extractor(judge, kind)
        selection = select(own_protocol(extractor, store), store)
        # Not cached: a judge is cheap, and another one after each change of its training
        found.append(FrechetDistance(extractor, selection, compute(extractor, selection)))
    return found


def open_distances(
    settings: Metrics,
    stores: Mapping[str, ClipStore],
    folder: str | Path = REFERENCE,
    device: torch.device | str = "cpu",
    compute: RealFeatures = real_features,
) -> tuple[list[FrechetDistance], list[Skipped]]:
    """The distances that params ask for, each protocol on the store of its split, and those that cannot be had.

    stores: split -> store; `own` measures on "test". folder: of the cached features of real clips. device: of the networks.
    """
    found: list[FrechetDistance] = []
    skipped: list[Skipped] = []
    for name in settings.extractors:
        metric = frechet_of(name)
        try:
            extractor = open_extractor(name, settings.weights[name]).to(device)
        except InputError as reason:
            skipped.append(Skipped(metric.name, metric.kind, str(reason)))
            continue
        for chosen in settings.protocols:
            protocol = own_protocol(extractor, stores["test"]) if chosen == "own" else for_store(preset(chosen))
            if protocol.extractor != name:  # a published protocol for another extractor
                continue
            try:
                check_protocol(extractor, protocol)
                selection = select(protocol, stores[protocol.split])
                real = reference_features(extractor, selection, folder, compute)
            except InputError as reason:
                skipped.append(Skipped(distance_name(extractor.metric, chosen), metric.kind, str(reason)))
            else:
                found.append(FrechetDistance(extractor, selection, real))
    return found, skipped + _without_extractor(settings)


def _without_extractor(settings: Metrics) -> list[Skipped]:
    """The published protocols whose extractor params do not list."""
    presets = [preset(name) for name in settings.protocols if name != "own"]
    return [
        Skipped(
            distance_name(frechet_of(protocol.extractor).name, protocol.name),
            "video",
            f"the protocol is for {protocol.extractor}, which metrics.extractors does not list",
        )
        for protocol in presets
        if protocol.extractor not in settings.extractors
    ]


def size_records(
    distances: Sequence[FrechetDistance],
    features: Mapping[str, NDArray],
    sizes: Sequence[int],
    seed: int,
    paired: bool,
) -> tuple[dict[str, dict[str, Any]], list[Skipped]]:
    """`<name>:limit` -> record of each distance at several numbers of clips; those with too few clips for it.

    features: name of a distance -> features (n, F). No sizes give no records.
    """
    records: dict[str, dict[str, Any]] = {}
    skipped: list[Skipped] = []
    for distance in distances if sizes else ():
        rows, protocol = features[distance.name], distance.selection.protocol
        most = min(len(rows), len(distance.real))
        if max(sizes) > most:
            why = f"metrics.sizes goes to {max(sizes)}, but there are {most} clips"
            skipped.append(Skipped(f"{distance.name}:limit", distance.extractor.kind, why))
            continue
        unbiased = protocol.covariance == "unbiased"
        curve = size_curve(rows, distance.real, sizes, DRAWS, seed, paired, unbiased)
        facts = distance.facts() | {"covariance": protocol.covariance}
        name, record = limit_record(curve, distance.name, protocol.split, seed, **facts)
        records[name] = record
    return records, skipped
