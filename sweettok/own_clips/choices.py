"""Which frames of a folder's files become clips, how large, and which files fall into which split."""

import re
from dataclasses import dataclass
from math import ceil

from sweettok.errors import InputError
from sweettok.own_clips.survey import Survey
from sweettok.params import GroupSplit, RandomSplit, TimeSplit, Windows
from sweettok.video.draws import draw
from sweettok.video.listing import SPLITS, split_names
from sweettok.video.windows import span_of, time_parts, window_starts

LENGTHS = (17, 9, 5)  # frames of a clip, 1 + k * patches.temporal; the first that half of the files hold
FRAMES_A_SECOND = 12.5  # that motion needs
ENOUGH_CLIPS = 1000  # until which windows may overlap
OVERLAP = 8  # windows that share a frame, at most
FEW_FILES = 10  # below which each file is split in time
GROUPS = 6  # at least, to split by
VAL, TEST = 0.15, 0.2
MOST = {"train": 16384, "val": 256, "test": 256}  # clips; more cost time and change little at this size
FEWEST = {"train": 16, "val": 1, "test": 8}  # that evaluations need
_PATTERNS = (
    (r"(g\d+)_c\d+", "the performer of UCF-101's names"),
    (r"([^/]*?)[ _.-]*\d*\.\w+$", "the name without its last number"),
    (r"([^/]*?)[ _.-][^/]*$", "the name up to its first separator"),
)

Listed = dict[str, list[tuple[str, int]]]  # split -> (file id, clips of it)


@dataclass(frozen=True)
class Choices:
    """Values of the data section, each with the reason in words. clips: split -> number of clips that come of it."""

    frames: int
    size: int
    windows: Windows | None
    split: GroupSplit | RandomSplit | TimeSplit
    split_reason: str
    clips: dict[str, int]
    limits: dict[str, int | None]
    max_skipped: float


def choose(survey: Survey, fast: bool, seed: int = 0) -> Choices:
    """Raises InputError where the files are too short or too few for three splits."""
    size = 32 if fast or survey.shorter_side < 64 else 64
    if survey.images:
        split, reason = _split(survey, by_time=False, seed=seed)
        frames, windows, listed = 1, None, _by_split(survey, 1, None, split, seed)
    else:
        frames, stride = _length(survey)
        split, reason = _split(survey, len(survey.files) < FEW_FILES, seed)
        windows, listed = _windows(survey, frames, stride, split, seed)
    counts = _counts(listed)
    for name, fewest in FEWEST.items():
        if counts[name] < fewest:
            raise InputError(
                f"{survey.root} gives {counts[name]} clips for {name} ({len(survey.files)} files, the middle one of "
                f"{survey.length} frames), but {fewest} are needed; add files, or longer ones"
            )
    limits = {name: most if counts[name] > most else None for name, most in MOST.items()}
    clips = {name: min(count, MOST[name]) for name, count in counts.items()}
    return Choices(frames, size, windows, split, reason, clips, limits, _skipped(listed))


def _length(survey: Survey) -> tuple[int, int]:
    """(frames, stride): the longest clip that half of the files hold, and as few frames a second as motion needs."""
    for frames in LENGTHS:
        if survey.length >= frames:
            wanted = max(1, round((survey.rate or FRAMES_A_SECOND) / FRAMES_A_SECOND))
            return frames, next(s for s in range(wanted, 0, -1) if span_of(frames, s) <= survey.length)
    raise InputError(
        f"half of the files in {survey.root} have at most {survey.length} frames, but a clip needs {LENGTHS[-1]}; "
        "give longer videos, or images instead"
    )


def _split(survey: Survey, by_time: bool, seed: int) -> tuple[GroupSplit | RandomSplit | TimeSplit, str]:
    """By time where files are few, by a part of the names that several files share, else by file."""
    if by_time:
        return TimeSplit(by="time", val=VAL, test=TEST, gap=0), "few files: each is split in time"
    ids = [file.item.id for file in survey.files]
    for pattern, what in _PATTERNS:
        found = [re.search(pattern, name) for name in [*ids, *survey.unusable]]
        groups = {match.group(1) for match in found if match and match.group(1)}
        if all(match and match.group(1) for match in found) and GROUPS <= len(groups) <= len(ids) / 1.5:
            reason = f"{len(groups)} groups of files that share {what}: none is on both sides"
            return GroupSplit(by="group", pattern=pattern, val=VAL, test=TEST), reason
    return RandomSplit(by="random", val=VAL, test=TEST), "by file: names show no groups"


def _windows(
    survey: Survey, frames: int, stride: int, split: GroupSplit | RandomSplit | TimeSplit, seed: int
) -> tuple[Windows, Listed]:
    """Windows that overlap only as far as it takes to make enough clips, and the clips that they give."""
    span = span_of(frames, stride)
    distances = dict.fromkeys(max(1, span // part) for part in (1, 2, 4, OVERLAP))
    for every in distances:
        windows = Windows(stride=stride, every=every, start="first")
        listed = _by_split(survey, frames, windows, split, seed)
        if _counts(listed)["train"] >= ENOUGH_CLIPS:
            break
    return windows, listed


def _counts(listed: Listed) -> dict[str, int]:
    """split -> clips, as stage prepare_data makes them."""
    return {name: sum(number for _, number in files) for name, files in listed.items()}


def _by_split(
    survey: Survey, frames: int, windows: Windows | None, split: GroupSplit | RandomSplit | TimeSplit, seed: int
) -> Listed:
    """Of all files; unusable ones give no clips."""
    lengths = {file.item.id: file.frames for file in survey.files} | dict.fromkeys(survey.unusable, 0)
    if isinstance(split, TimeSplit):
        owners: dict[str, tuple[str, ...]] = dict.fromkeys(lengths, SPLITS)
    else:
        groups = {name: _group(name, split) for name in lengths}
        of_group = split_names(groups.values(), split.val, split.test, seed)
        owners = {name: (of_group[group],) for name, group in groups.items()}
    listed = {name: list[tuple[str, int]]() for name in SPLITS}
    for file, length in lengths.items():
        for name in owners[file]:
            part = (
                time_parts(length, split.val, split.test, split.gap)[name]
                if isinstance(split, TimeSplit)
                else (0, length)
            )
            starts = window_starts(windows, frames, *part, draw(seed, "start", name, file)) if windows else [0] * length
            listed[name].append((file, len(starts)))
    return listed


def _group(name: str, split: GroupSplit | RandomSplit) -> str:
    if isinstance(split, RandomSplit):
        return name
    match = re.search(split.pattern, name)
    assert match  # `_split` has looked at all files
    return match.group(1)


def _skipped(listed: Listed) -> float:
    """max_skipped that lets pass what is known to be unusable or too short, in the split with the most of it."""
    shares = [sum(not clips for _, clips in files) / len(files) for files in listed.values() if files]
    return ceil(max(0.01, *shares) * 100) / 100
