"""Frames, size, windows and splits that suit the files; nothing is read."""

from collections import defaultdict
from pathlib import Path

import pytest

from sweettok.errors import InputError
from sweettok.own_clips.choices import FEWEST, GROUPS, choose
from sweettok.own_clips.survey import OwnFile, Survey
from sweettok.video.listing import Item


def survey(names, frames=60, rate=25.0, side=120, images=False, unusable=()):
    lengths = frames if isinstance(frames, list) else [frames] * len(names)
    files = [
        OwnFile(Item(name, Path(name), "a"), length, rate, side) for name, length in zip(names, lengths, strict=True)
    ]
    return Survey(Path("mine"), images, ["a"], files, dict.fromkeys(unusable, "cut"))


def numbered(count, stem="a/x"):
    return [f"{stem}{number}.mp4" for number in range(count)]


@pytest.mark.parametrize(
    ("length", "rate", "frames", "stride"),
    [(60, 25.0, 17, 2), (60, 30.0, 17, 2), (20, 30.0, 17, 1), (120, 60.0, 17, 5), (17, 10.0, 17, 1), (12, 25.0, 9, 1),
     (5, 25.0, 5, 1), (60, None, 17, 1)],
)  # fmt: skip
def test_a_clip_is_as_long_as_half_of_the_files_allow(length, rate, frames, stride):
    choices = choose(survey(numbered(80), length, rate), fast=False)
    assert (choices.frames, choices.windows.stride) == (frames, stride)


def test_windows_overlap_only_until_there_are_enough():
    few, many = (choose(survey(numbered(count), 100), fast=False).windows for count in (20, 2000))
    assert few.every == 4 and many.every == 33  # of 33 frames that a clip reaches over
    assert choose(survey(numbered(20000), 100), fast=False).limits == {"train": 16384, "val": 256, "test": 256}


def test_size_follows_the_pictures():
    names = numbered(40)
    assert [choose(survey(names, side=side), fast=fast).size for side, fast in ((120, 0), (120, 1), (48, 0))] == [
        64,
        32,
        32,
    ]


@pytest.mark.parametrize(
    "names",
    [
        [f"a/person{p}_{k}.mp4" for p in range(9) for k in range(3)],
        [f"{c}/{p}_{c}.mp4" for p in ("ann", "bob", "cy", "di", "ed", "flo") for c in ("run", "jump")],
        [f"a/v_Run_g{g:02d}_c{k:02d}.avi" for g in range(8) for k in range(4)],
        [f"a/{place} {k}.mov" for place in ("sea", "wood", "hill", "town", "park", "home") for k in range(5)],
    ],
)
def test_names_that_share_a_part_stay_on_one_side(names):
    split = choose(survey(names), fast=False).split
    assert split.by == "group"
    import re

    groups = defaultdict(set)
    for name in names:
        groups[re.search(split.pattern, name).group(1)].add(name)
    assert GROUPS <= len(groups) < len(names)


@pytest.mark.parametrize("names", [numbered(40, "a/IMG_12"), [f"a/{'abcdefghijklmnop'[n]}.mp4" for n in range(16)]])
def test_other_files_are_split_one_by_one(names):
    assert choose(survey(names), fast=False).split.by == "random"


def test_few_films_are_split_in_time():
    choices = choose(survey(numbered(3), 600), fast=False)
    assert choices.split.by == "time" and all(choices.clips[split] >= fewest for split, fewest in FEWEST.items())


@pytest.mark.parametrize("rate", [25.0, 30.0, 60.0])
@pytest.mark.parametrize("seconds", [2, 3, 4])
@pytest.mark.parametrize("files", range(4, 12))
def test_few_short_films_are_enough(files, seconds, rate):
    choices = choose(survey(numbered(files), round(seconds * rate), rate), fast=False)
    assert choices.frames == 17 and all(choices.clips[split] >= fewest for split, fewest in FEWEST.items())


def test_shorter_clips_are_taken_where_long_ones_are_too_few():
    assert choose(survey(numbered(12), 20), fast=False).frames == 9
    assert choose(survey(numbered(2), 40), fast=False).frames == 5


def test_unusable_and_short_files_are_allowed_for():
    lengths = [60] * 30 + [3] * 10
    choices = choose(survey(numbered(40), lengths, unusable=["a/broken.mp4"]), fast=False)
    assert 11 / 41 <= choices.max_skipped < 0.8
    assert choose(survey(numbered(40)), fast=False).max_skipped == 0.01


def test_images():
    choices = choose(survey(numbered(60, "a/p"), frames=1, rate=None, images=True), fast=False)
    assert choices.frames == 1 and choices.windows is None and choices.clips == {"train": 39, "val": 9, "test": 12}
    choices = choose(survey(numbered(30, "a/p"), frames=1, rate=None, images=True), fast=False)
    assert choices.clips == {"train": 18, "val": 4, "test": 8}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (survey(numbered(40), 4), "at most 4 frames, but a clip needs 5"),
        (
            survey(numbered(2), 20),
            r"clips for val: 0, at least 1 needed \(2 files, median length 20 frames\); add files",
        ),
        (survey(numbered(1), 1), "at most 1 frame, but a clip needs 5"),
        (
            survey(numbered(20), 1, None, images=True),
            r"clips for train: 9, at least 16 needed \(20 images\); add files",
        ),
        (survey(numbered(1), 1, None, images=True), r"at least 16 needed \(1 image\); add files"),
    ],
)
def test_too_little_is_refused(files, message):
    with pytest.raises(InputError, match=message):
        choose(files, fast=False)
