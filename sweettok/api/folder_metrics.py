"""Two files or folders of videos or images compared: fidelity of pairs, Frechet distances of sets."""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweettok.api.comparison import Comparison, FolderClips
from sweettok.api.frames import Change, FrameFile, to_square
from sweettok.api.parts import Parts
from sweettok.api.protocol_clips import ProtocolClips, at_once
from sweettok.errors import InputError, counted
from sweettok.metrics.distances import CLIPS_AT_ONCE, FrechetDistance, judge_distances, open_distances
from sweettok.metrics.extractors import Extractor, judge_extractor, open_extractor
from sweettok.metrics.fidelity import DATA_RANGE, PSNR_CAP
from sweettok.metrics.networks import Skipped
from sweettok.metrics.protocol import Selection, first_frames
from sweettok.metrics.reconstruction import NamedWatch, Piece, measured_in_turn, unwatched
from sweettok.metrics.record import record
from sweettok.metrics.reference_statistics import check_protocol, features_of
from sweettok.metrics.registry import Metric, frechet_of, metrics
from sweettok.metrics.scorers import NO_JUDGE, open_scorers
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.judge import Judge
from sweettok.params import Metrics
from sweettok.video.store import to_float
from sweettok.weights import cache_folder

FRAMES_AT_ONCE = 64
RESAMPLES = 1000
PairScore = Callable[[Tensor, Tensor], Tensor]  # clips (1, 3, T, H, W) twice -> (1,), a mean over frames


def compare(
    comparison: Comparison,
    judge: Judge | None,
    settings: Metrics,
    seed: int = 0,
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
    device: torch.device | str = "cpu",
) -> dict[str, Any]:
    """All that can be measured: {"metrics": name -> record, "left_out": [...], "pairs": name -> score -> number,
    "skipped_files": [...]}.

    judge: for perceptual/judge and its Frechet distances. settings: published networks (see params.Metrics).
    watch: wraps the numbers of the pairs, for a progress bar. device: where all is computed; the judge moves there.
    Raises InputError (pairs that do not fit; sets that do not, where nothing else is measured).
    """
    judge = judge and judge.to(device)
    records: dict[str, dict[str, Any]] = {}
    skipped: list[Skipped] = []
    pairs: dict[str, dict[str, float]] = {}
    if comparison.paired:
        scorers, facts, missing = _scorers(comparison, judge, settings)
        skipped += missing
        change = to_square(comparison.fit, comparison.size) if comparison.size else None
        for number in watch(range(len(comparison.names))):
            files = comparison.real[number], comparison.generated[number]
            pairs[comparison.names[number]] = score_pair(*files, scorers, comparison.frames, change, device)
        names = ("psnr", *scorers)
        records |= {name: _record(name, pairs, comparison, facts.get(name, {}), seed) for name in names}
    distances, missing = _distances(comparison, judge, settings, seed, device)
    return {
        "metrics": records | distances,
        "left_out": [entry.as_json() for entry in skipped + missing],
        "pairs": pairs,
        "skipped_files": [str(file.path) for file in comparison.skipped],
    }


def score_pair(
    real: FrameFile,
    generated: FrameFile,
    scorers: dict[str, PairScore],
    frames: int | None = None,
    change: Change | None = None,
    device: torch.device | str = "cpu",
) -> dict[str, float]:
    """`psnr` and each score over all frames of a pair. Raises InputError where lengths or sizes differ.

    Files are read in pieces; all scores are means over frames but PSNR, which is that of the squared error over all
    pixels of all frames, in dB, at most 100.
    """
    if frames is None and real.frames != generated.frames:
        raise InputError(
            f"{real.path} has {counted(real.frames, 'frame')}, {generated.path} {generated.frames}; "
            "compare the first N frames with --frames N, and leave shorter files out with --skip-shorter"
        )
    if change is None and (real.height, real.width) != (generated.height, generated.width):
        sizes = f"{real.width}x{real.height}, {generated.path} {generated.width}x{generated.height}"
        raise InputError(f"{real.path} is {sizes}; resize both to N x N with --size N")
    total, squares, count = dict.fromkeys(scorers, 0.0), 0.0, frames or real.frames
    for start in range(0, count, FRAMES_AT_ONCE):
        piece = min(FRAMES_AT_ONCE, count - start)
        read = (file.read(start, piece, change or _as_it_is)[None] for file in (real, generated))
        a, b = (to_float(frames).to(device) for frames in read)
        squares += piece * (a.double() - b.double()).square().mean().item()
        for name, scorer in scorers.items():
            total[name] += piece * scorer(a, b).item()
    return {"psnr": _psnr(squares / count)} | {name: value / count for name, value in total.items()}


def _psnr(squared_error: float) -> float:
    """In dB, of a mean squared error; equal files have the cap."""
    return min(PSNR_CAP, 10 * math.log10(DATA_RANGE**2 / squared_error)) if squared_error else PSNR_CAP


def _as_it_is(frame: np.ndarray) -> np.ndarray:
    return frame


def _judged_sets() -> list[Metric]:
    """The distances of sets on the judge's features."""
    return [metric for metric in metrics().values() if metric.compares == "sets" and metric.needs == "judge"]


def no_distances(settings: Metrics, why: str) -> list[Skipped]:
    """All distances of sets that could be asked for, left out for one reason."""
    asked = [*_judged_sets(), *map(frechet_of, settings.extractors)]
    return [Skipped(metric.name, metric.kind, why) for metric in asked]


def _scorers(
    comparison: Comparison, judge: Judge | None, settings: Metrics
) -> tuple[dict[str, PairScore], dict[str, dict], list[Skipped]]:
    """Scores of a pair beside PSNR, what their records say, and those that cannot be had."""
    side = comparison.size or min(min(file.height, file.width) for file in comparison.real)
    found, skipped = open_scorers(judge, settings, side)
    others = [scorer for scorer in found if scorer.name != "psnr"]
    return (
        {scorer.name: scorer.compute for scorer in others},
        {scorer.name: scorer.facts for scorer in others},
        skipped,
    )


def _record(name: str, pairs: dict[str, dict[str, float]], comparison: Comparison, facts: dict, seed: int) -> dict:
    values = np.array([scores[name] for scores in pairs.values()])
    interval = tuple(bootstrap_interval(values, RESAMPLES, seed)) if len(values) > 1 else None
    treatment: dict[str, Any] = {"frames": comparison.frames or "all", "resolution": comparison.size or "as stored"}
    treatment |= {"fit": comparison.fit} if comparison.size else {}
    treatment |= skipped_count(comparison)
    return record(
        float(values.mean()), len(values), "generated vs real", seed, interval, metric=name, **(treatment | facts)
    )


def _distances(
    comparison: Comparison, judge: Judge | None, settings: Metrics, seed: int, device: torch.device | str
) -> tuple[dict[str, dict[str, Any]], list[Skipped]]:
    """name -> record of each Frechet distance, and those that cannot be had."""
    try:
        real, generated = comparison.sets()
    except InputError as reason:
        if not comparison.paired:
            raise
        return {}, no_distances(settings, str(reason))
    found, skipped = distances_to(real, judge, settings, device)
    records = {}
    for distance in found:
        features = _features(distance, generated, comparison.paired)
        entry = of_files(distance.record(features, seed, comparison.paired), real, distance)
        records[distance.name] = entry | {"protocol": entry["protocol"] | skipped_count(comparison)}
    return records, skipped


def skipped_count(files: Comparison | FolderClips | ProtocolClips) -> dict[str, int]:
    """For a record: how many files were left out for being short, and how many pairs with them, where any were."""
    pairs = files.skipped_pairs if isinstance(files, Comparison) else 0
    return ({"skipped_files": len(files.skipped)} if files.skipped else {}) | (
        {"skipped_pairs": pairs} if pairs else {}
    )


def distances_to(
    real: FolderClips,
    judge: Judge | None,
    settings: Metrics,
    device: torch.device | str,
    parts: Path | None = None,
    watch: NamedWatch = unwatched,
    wanted: Collection[str] | None = None,
) -> tuple[list[FrechetDistance], list[Skipped]]:
    """The Frechet distances to files, whatever split a protocol asks for, and those that cannot be had. device: of the
    published networks. parts, watch: as `features_in_parts`. wanted: of the judge's, only these; None: all."""
    compute = partial(features_in_parts, parts=parts, watch=watch)
    stores: dict[str, Any] = {split: replace(real, split=split) for split in ("train", "test")}  # as ClipStores
    found, skipped = open_distances(settings, stores, cache_folder() / "reference", device, compute)
    if judge is None:
        skipped += [Skipped(metric.name, metric.kind, NO_JUDGE) for metric in _judged_sets()]
    else:
        kinds: Sequence[Literal["video", "image"]] = ("video", "image") if real.frames > 1 else ("image",)
        asked = [kind for kind in kinds if wanted is None or f"frechet_{kind}/judge" in wanted]
        found = judge_distances(judge, stores["test"], asked, compute) + found
        still = [metric for metric in _judged_sets() if metric.kind not in kinds]
        skipped += [Skipped(metric.name, metric.kind, "a single frame has no motion to compare") for metric in still]
    return found, skipped


def distances_under(
    real: ProtocolClips,
    judge: Judge | None,
    settings: Metrics,
    device: torch.device | str,
    parts: Path | None = None,
    watch: NamedWatch = unwatched,
    wanted: Collection[str] | None = None,
) -> tuple[list[FrechetDistance], list[Skipped]]:
    """The Frechet distances of videos to files under their protocol, and those that cannot be had. device, parts, watch,
    wanted: as `distances_to`."""
    found, skipped = [], []
    if judge is None:
        skipped.append(Skipped("frechet_video/judge", "video", NO_JUDGE))
    elif wanted is None or "frechet_video/judge" in wanted:
        found.append(distance_on(judge_extractor(judge, "video"), real, parts, watch))
    for name in settings.extractors:
        metric = frechet_of(name)
        try:
            found.append(distance_on(open_extractor(name, settings.weights[name]).to(device), real, parts, watch))
        except InputError as reason:
            skipped.append(Skipped(metric.name, metric.kind, str(reason)))
    return found, skipped


def distance_on(
    extractor: Extractor, real: ProtocolClips, parts: Path | None = None, watch: NamedWatch = unwatched
) -> FrechetDistance:
    """The distance to files under their protocol. parts, watch: as `features_in_parts`.

    Raises InputError where the extractor takes images, or clips of more frames.
    """
    selection = real.selection(extractor.name)
    return FrechetDistance(extractor, selection, features_in_parts(extractor, selection, parts, watch))


def features_in_parts(
    extractor: Extractor, selection: Selection, parts: Path | None, watch: NamedWatch
) -> NDArray[np.float32]:
    """Features (n, F) of the selected clips, a few at a time.

    parts: folder that keeps the features of each batch (`Parts`). watch: wraps the batches' numbers, for a progress bar.
    Raises InputError where the extractor takes images, or clips of more frames.
    """
    protocol, store = selection.protocol, selection.store
    check_protocol(extractor, protocol)
    rows = torch.arange(len(selection)).split(at_once(store.frames, store.size))

    def measure(number: int) -> Piece:
        clips = selection.clips(rows[number], extractor.device)
        return Piece({}, {"real": features_of(extractor, protocol, [clips])}, {}, (0, 0))

    facts = {"clips": store.fingerprint, "protocol": protocol.model_dump(), "batch": len(rows[0])}
    folder = f"real {extractor.metric} {protocol.name}".replace("/", "-")
    collect = Parts(parts / folder, extractor.identity() | facts).collect if parts else measured_in_turn
    pieces = collect(range(len(rows)), measure, partial(watch, f"real clips, {extractor.metric}"))
    return np.concatenate([piece.features["real"] for piece in pieces])


def of_files(entry: dict[str, Any], real: FolderClips, distance: FrechetDistance) -> dict[str, Any]:
    """The record without what is true of a store's split only: files have no split, and were cut and resized to here."""
    protocol = distance.selection.protocol
    squared = {"crop": f"shorter side resized to {real.size}, centre crop", "stretch": f"stretched to {real.size}"}
    prepared = f"first {counted(real.frames, 'frame')} of each file, {squared[real.fit]}"
    described = entry["protocol"]["protocol"] | {"split": f"none: the files given (it asks for {protocol.split})"}
    if protocol.name == "own":
        described |= {"split": "none: the files given", "source": "this project: all files, as prepared"}
    seen = (
        "first frame" if distance.extractor.kind == "image" else f"{protocol.frames} of {real.frames} prepared frames"
    )
    facts = entry["protocol"] | {"prepared": prepared, "input": seen, "protocol": described}
    return entry | {"split": "generated vs real", "protocol": facts}


def _features(distance: FrechetDistance, generated: Any, paired: bool) -> np.ndarray:
    """Features of generated clips (FolderClips): of a pair in the frames that the protocol takes of the real one, else in the first."""
    protocol = distance.selection.protocol
    if paired:
        batches = replace(distance.selection, store=generated).batches(CLIPS_AT_ONCE, distance.extractor.device)
    else:
        batches = (first_frames(clips, protocol) for clips in generated.batches())
    return features_of(distance.extractor, protocol, batches)
