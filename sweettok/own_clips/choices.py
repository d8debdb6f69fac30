"""Which frames of a folder's files become clips, how large, and which files fall into which split."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from sweettok.errors import InputError, counted
from sweettok.own_clips.survey import Survey
from sweettok.params import GroupSplit, RandomSplit, TimeSplit, Windows
from sweettok.video.draws import draw
from sweettok.video.listing import SPLITS, split_names
from sweettok.video.windows import span_of, time_parts, window_starts

LENGTHS = (17, 9, 5)  # frames of a clip, 1 + k * patches.temporal; the first that half of the files hold
FRAMES_A_SECOND = 12.5  # that motion needs
ENOUGH_CLIPS = 1000  # until which windows may overlap
ENOUGH_VIEWS, MOST_VIEWS = 4000, 12  # of training clips: fewer are learned by heart (docs/recipe.md, Few clips)
OVERLAP = 8  # windows that share a frame, at most
FEW_FILES = 10  # below which each file is split in time, where it is long enough
FEWEST_FILES = 3  # to split by file
GROUPS = 6  # at least, to split by
VAL, TEST = 0.15, 0.2
MOST = {"train": 16384, "val": 256, "test": 256}  # clips; more cost time and change little at this size
FEWEST = {"train": 16, "val": 1, "test": 8}  # that evaluations need
_PATTERNS = (
    (r"(g\d+)_c\d+", "the performer in UCF-101's names"),
    (r"([^/]*?)[ _.-]*\d*\.\w+$", "name without its last number"),
    (r"([^/]*?)[ _.-][^/]*$", "name up to its first separator"),
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
    views: int


@dataclass(frozen=True)
class Plan:
    """One way to make clips of the files, and the clips that it gives."""

    frames: int
    windows: Windows | None
    split: GroupSplit | RandomSplit | TimeSplit
    split_reason: str
    listed: Listed


def choose(survey: Survey, fast: bool, seed: int = 0) -> Choices:
    """The first plan that gives enough clips. Raises InputError where the files are too short or too few for any."""
    size = 32 if fast or survey.shorter_side < 64 else 64
    counts = dict.fromkeys(FEWEST, 0)
    for plan in _image_plans(survey, seed) if survey.images else _video_plans(survey, seed):
        counts = {name: sum(number for _, number in files) for name, files in plan.listed.items()}
        if all(counts[name] >= fewest for name, fewest in FEWEST.items()):
            limits = {name: most if counts[name] > most else None for name, most in MOST.items()}
            clips = {name: min(count, MOST[name]) for name, count in counts.items()}
            views = 1 if fast else min(MOST_VIEWS, ceil(ENOUGH_VIEWS / clips["train"]))
            split, skipped = (plan.split, plan.split_reason), _skipped(plan.listed)
            return Choices(plan.frames, size, plan.windows, *split, clips, limits, skipped, views)
    name = next(name for name, fewest in FEWEST.items() if counts[name] < fewest)
    what = counted(len(survey.files), "image" if survey.images else "file")
    length = "" if survey.images else f", median length {counted(survey.length, 'frame')}"
    raise InputError(
        f"{survey.root}: not enough clips for {name}: {counts[name]}, at least {FEWEST[name]} needed ({what}{length}); "
        + ("add files" if survey.images else "add files or longer ones")
    )


def _image_plans(survey: Survey, seed: int) -> Iterator[Plan]:
    """Few images give a larger share to test, which has a fixed need."""
    if len(survey.files) >= FEWEST_FILES:
        test = min(0.5, max(TEST, ceil(100 * FEWEST["test"] / len(survey.files)) / 100))
        split, reason = _split(survey, test)
        yield Plan(1, None, split, reason, _by_split(survey, 1, None, split, seed))


def _video_plans(survey: Survey, seed: int) -> Iterator[Plan]:
    """The longest clips first; of each length, few files split in time, else by file."""
    ways = [_split(survey, TEST)] if len(survey.files) >= FEWEST_FILES else []
    if len(survey.files) < FEW_FILES:
        in_time = TimeSplit(by="time", val=VAL, test=TEST, gap=0)
        ways.insert(0, (in_time, "in time: few files, each is in all three splits"))
    for frames, stride in _lengths(survey):
        for split, reason in ways:
            windows, listed = _windows(survey, frames, stride, split, seed)
            yield Plan(frames, windows, split, reason, listed)


def _lengths(survey: Survey) -> list[tuple[int, int]]:
    """(frames, stride) that half of the files hold: long clips first, then as few frames a second as motion needs."""
    wanted = max(1, round((survey.rate or FRAMES_A_SECOND) / FRAMES_A_SECOND))
    pairs = [(frames, stride) for frames in LENGTHS for stride in range(wanted, 0, -1)]
    if fitting := [pair for pair in pairs if span_of(*pair) <= survey.length]:
        return fitting
    raise InputError(
        f"half of the files in {survey.root} have at most {counted(survey.length, 'frame')}, but a clip needs "
        f"{LENGTHS[-1]}; give longer videos, or images instead"
    )


def _split(survey: Survey, test: float) -> tuple[GroupSplit | RandomSplit | TimeSplit, str]:
    """By a part of the names that several files share, else by file."""
    ids = [file.item.id for file in survey.files]
    for pattern, what in _PATTERNS:
        found = [re.search(pattern, name) for name in [*ids, *survey.unusable]]
        groups = {match.group(1) for match in found if match and match.group(1)}
        if all(match and match.group(1) for match in found) and GROUPS <= len(groups) <= len(ids) / 1.5:
            reason = f"by name: {len(groups)} groups ({what}), none in two splits"
            return GroupSplit(by="group", pattern=pattern, val=VAL, test=test), reason
    return RandomSplit(by="random", val=VAL, test=test), "by file: names show no groups"


def _windows(
    survey: Survey, frames: int, stride: int, split: GroupSplit | RandomSplit | TimeSplit, seed: int
) -> tuple[Windows, Listed]:
    """Windows that overlap only as far as it takes to make enough clips, and the clips that they give."""
    span = span_of(frames, stride)
    distances = dict.fromkeys(max(1, span // part) for part in (1, 2, 4, OVERLAP))
    for every in distances:
        windows = Windows(stride=stride, every=every, start="first")
        listed = _by_split(survey, frames, windows, split, seed)
        if sum(number for _, number in listed["train"]) >= ENOUGH_CLIPS:
            break
    return windows, listed


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
