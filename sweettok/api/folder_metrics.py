"""Two files or folders of videos or images compared: fidelity of pairs, Frechet distances of sets."""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from sweettok.api.frames import ENDINGS, Change, FrameFile, open_frames, to_square
from sweettok.errors import InputError
from sweettok.metrics.distances import CLIPS_AT_ONCE, Distance, judge_distances, open_distances
from sweettok.metrics.fidelity import DATA_RANGE, PSNR_CAP
from sweettok.metrics.networks import LeftOut
from sweettok.metrics.protocol import generated
from sweettok.metrics.record import record
from sweettok.metrics.reference_statistics import features_of
from sweettok.metrics.registry import Metric, metrics
from sweettok.metrics.scorers import NO_JUDGE, open_scorers
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.judge import Judge
from sweettok.params import Metrics
from sweettok.storage import sha256_of
from sweettok.video.formats import with_endings
from sweettok.video.store import to_float
from sweettok.weights import cache_folder

FRAMES_AT_ONCE = 64
RESAMPLES = 1000
Scorer = Callable[[Tensor, Tensor], Tensor]  # clips (1, 3, T, H, W) twice -> (1,), a mean over frames


@dataclass(frozen=True)
class FolderClips:
    """Files as clips of one length and size, with what the Frechet distances ask of a ClipStore.

    Read anew at each call: a folder may be larger than memory. split: the one that a protocol wants; files have none.
    """

    files: tuple[FrameFile, ...]
    frames: int
    size: int
    split: str = "test"

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def fingerprint(self) -> str:
        """Hex sha256 of the files' content and of what is made of them."""
        parts = [f"{self.frames} {self.size}", *(sha256_of(file.path) for file in self.files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def clips(self, rows: Iterable[int]) -> Tensor:
        """The first frames of each file, shorter side resized and centre cropped: (B, 3, frames, size, size)."""
        square = to_square("crop", self.size)
        return to_float(np.stack([self.files[row].read(0, self.frames, square) for row in rows]))

    def batches(self) -> Iterator[Tensor]:
        """All clips in order."""
        for rows in torch.arange(len(self)).split(CLIPS_AT_ONCE):
            yield self.clips(rows.tolist())


@dataclass(frozen=True)
class Comparison:
    """Files made (reconstructed, generated) against real ones.

    real, made  the files; where `paired`, file i of both belong together
    names       of the pairs
    frames      compare the first frames only (None: pairs must be equally long; sets: the shortest file's)
    size        bring frames to this square (None: pairs must be of equal size)
    """

    real: tuple[FrameFile, ...]
    made: tuple[FrameFile, ...]
    names: tuple[str, ...]
    paired: bool
    frames: int | None
    size: int | None

    def sets(self) -> tuple[FolderClips, FolderClips]:
        """Both as sets of clips. Raises InputError where they have no common size, or fewer than two files."""
        files = (*self.real, *self.made)
        if min(len(self.real), len(self.made)) < 2:
            raise InputError("a Frechet distance needs at least 2 files on each side")
        sizes = {side for file in files for side in (file.height, file.width)}
        if self.size is None and len(sizes) > 1:
            raise InputError("the files are not all squares of one size; bring them to one with --size")
        shortest = min(file.frames for file in files)
        if self.frames is not None and self.frames > shortest:
            raise InputError(f"the shortest file has {shortest} frames, {self.frames} were asked for")
        frames, size = self.frames or shortest, self.size or sizes.pop()
        return FolderClips(self.real, frames, size), FolderClips(self.made, frames, size)


def open_comparison(
    real: str | Path, made: str | Path, paired: bool, frames: int | None, size: int | None
) -> Comparison:
    """Two files, or two folders whose files are paired by their path below the folder without ending.

    Raises InputError: absent, unreadable, a file against a folder, files without a partner.
    """
    real, made = Path(real), Path(made)
    if real.is_dir() != made.is_dir():
        raise InputError(f"{real} and {made}: compare two files or two folders")
    if not real.is_dir():
        return Comparison((open_frames(real),), (open_frames(made),), (made.name,), True, frames, size)
    of_real, of_made = files_of(real), files_of(made)
    names = sorted(of_real.keys() & of_made.keys())
    if paired and (alone := sorted(of_real.keys() ^ of_made.keys())):
        where = real if alone[0] in of_real else made
        raise InputError(
            f"{len(alone)} files have no partner of the same name, first {alone[0]} in {where}; "
            "add them, or compare the folders as sets with --unpaired"
        )
    of = (names, names) if paired else (sorted(of_real), sorted(of_made))
    opened = [
        tuple(open_frames(files[name]) for name in keys) for files, keys in zip((of_real, of_made), of, strict=True)
    ]
    return Comparison(opened[0], opened[1], tuple(names), paired, frames, size)


def files_of(folder: Path) -> dict[str, Path]:
    """Path below the folder, without ending -> file, of all images and videos. Raises InputError (none, two of one name)."""
    found: dict[str, Path] = {}
    shown = (path for path in sorted(folder.rglob("*")) if not path.name.startswith("."))
    for path in with_endings(shown, ENDINGS, folder):
        name = str(path.relative_to(folder).with_suffix(""))
        if name in found:
            raise InputError(f"{found[name]} and {path} have one name; keep one of them")
        found[name] = path
    if not found:
        raise InputError(f"{folder} holds no image or video ({' '.join(ENDINGS)})")
    return found


def compare(
    comparison: Comparison,
    judge: Judge | None,
    settings: Metrics,
    seed: int = 0,
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> dict[str, Any]:
    """All that can be measured: {"metrics": name -> record, "left_out": [...], "pairs": name -> score -> number}.

    judge: for perceptual/judge and its Frechet distances. settings: published networks (see params.Metrics).
    watch: wraps the numbers of the pairs, for a progress bar. Raises InputError (pairs that do not fit).
    """
    records: dict[str, dict[str, Any]] = {}
    left_out: list[LeftOut] = []
    pairs: dict[str, dict[str, float]] = {}
    if judge is None:
        left_out += [LeftOut(metric.name, metric.kind, NO_JUDGE) for metric in _judged_sets()]
    if comparison.paired:
        scorers, facts, missing = _scorers(comparison, judge, settings)
        left_out += missing
        change = to_square("crop", comparison.size) if comparison.size else None
        for number in watch(range(len(comparison.names))):
            files = comparison.real[number], comparison.made[number]
            pairs[comparison.names[number]] = score_pair(*files, scorers, comparison.frames, change)
        names = ("psnr", *scorers)
        records |= {name: _record(name, pairs, comparison, facts.get(name, {}), seed) for name in names}
    distances, missing = _distances(comparison, judge, settings, seed)
    return {
        "metrics": records | distances,
        "left_out": [entry.as_json() for entry in left_out + missing],
        "pairs": pairs,
    }


def score_pair(
    real: FrameFile,
    made: FrameFile,
    scorers: dict[str, Scorer],
    frames: int | None = None,
    change: Change | None = None,
) -> dict[str, float]:
    """`psnr` and each score over all frames of a pair. Raises InputError where lengths or sizes differ.

    Files are read in pieces; all scores are means over frames but PSNR, which is that of the squared error over all
    pixels of all frames, in dB, at most 100.
    """
    for file in (real, made):
        if frames is not None and file.frames < frames:
            raise InputError(f"{file.path} has {file.frames} frames, {frames} were asked for; lower --frames")
    if frames is None and real.frames != made.frames:
        raise InputError(
            f"{real.path} has {real.frames} frames, {made.path} {made.frames}; compare the first N with --frames N"
        )
    if change is None and (real.height, real.width) != (made.height, made.width):
        sizes = f"{real.width}x{real.height}, {made.path} {made.width}x{made.height}"
        raise InputError(f"{real.path} is {sizes}; bring both to N x N with --size N")
    total, squares, count = dict.fromkeys(scorers, 0.0), 0.0, frames or real.frames
    for start in range(0, count, FRAMES_AT_ONCE):
        piece = min(FRAMES_AT_ONCE, count - start)
        a, b = (to_float(file.read(start, piece, change or _as_it_is)[None]) for file in (real, made))
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


def _scorers(
    comparison: Comparison, judge: Judge | None, settings: Metrics
) -> tuple[dict[str, Scorer], dict[str, dict], list[LeftOut]]:
    """Scores of a pair beside PSNR, what their records say, and those that cannot be had."""
    side = comparison.size or min(min(file.height, file.width) for file in comparison.real)
    found, left_out = open_scorers(judge, settings, side)
    others = [scorer for scorer in found if scorer.name != "psnr"]
    return (
        {scorer.name: scorer.distance for scorer in others},
        {scorer.name: scorer.facts for scorer in others},
        left_out,
    )


def _record(name: str, pairs: dict[str, dict[str, float]], comparison: Comparison, facts: dict, seed: int) -> dict:
    values = np.array([scores[name] for scores in pairs.values()])
    interval = tuple(bootstrap_interval(values, RESAMPLES, seed)) if len(values) > 1 else None
    treatment = {"frames": comparison.frames or "all", "resolution": comparison.size or "as stored"}
    return record(float(values.mean()), len(values), "made vs real", seed, interval, metric=name, **(treatment | facts))


def _distances(
    comparison: Comparison, judge: Judge | None, settings: Metrics, seed: int
) -> tuple[dict[str, dict[str, Any]], list[LeftOut]]:
    """name -> record of each Frechet distance, and those that cannot be had."""
    wanted = [] if judge is None else [metric.name for metric in _judged_sets()]
    try:
        real, made = comparison.sets()
    except InputError as reason:
        return {}, [LeftOut(name, "video", str(reason)) for name in (*wanted, *settings.extractors)]
    found, left_out = distances_to(real, judge, settings)
    records = {}
    for distance in found:
        features = _features(distance, made, comparison.paired)
        records[distance.name] = of_files(distance.record(features, seed, comparison.paired), real, distance)
    return records, left_out


def distances_to(real: FolderClips, judge: Judge | None, settings: Metrics) -> tuple[list[Distance], list[LeftOut]]:
    """The Frechet distances to files, whatever split a protocol asks for, and those that cannot be had."""
    stores: dict[str, Any] = {split: replace(real, split=split) for split in ("train", "test")}  # as ClipStores
    found, left_out = open_distances(settings, stores, cache_folder() / "reference")
    if judge is not None:
        kinds: Sequence[Literal["video", "image"]] = ("video", "image") if real.frames > 1 else ("image",)
        found = judge_distances(judge, stores["test"], kinds) + found
    return found, left_out


def of_files(entry: dict[str, Any], real: FolderClips, distance: Distance) -> dict[str, Any]:
    """The record without what is true of a store's split only: files have no split, and were cut and resized to here."""
    protocol = distance.selection.protocol
    prepared = f"first {real.frames} frames of each file, shorter side resized to {real.size}, centre crop"
    described = entry["protocol"]["protocol"] | {"split": f"none: the files given (it asks for {protocol.split})"}
    if protocol.name == "own":
        described |= {"split": "none: the files given", "source": "this project: all files, as prepared"}
    seen = (
        "first frame" if distance.extractor.kind == "image" else f"{protocol.frames} of {real.frames} prepared frames"
    )
    facts = entry["protocol"] | {"prepared": prepared, "input": seen, "protocol": described}
    return entry | {"split": "made vs real", "protocol": facts}


def _features(distance: Distance, made: Any, paired: bool) -> np.ndarray:
    """Features of made clips (FolderClips): of a pair in the frames that the protocol takes of the real one, else in the first."""
    protocol = distance.selection.protocol
    if paired:
        batches = replace(distance.selection, store=made).batches(CLIPS_AT_ONCE)
    else:
        batches = (generated(clips, protocol) for clips in made.batches())
    return features_of(distance.extractor, protocol, batches)
