"""Kinetics (400, 600, 700): the official lists (.csv) or lists of paths (.txt), and files wherever they were put.

A csv names clips by YouTube id and time; the file of a row is the one whose stem is `<id>_<start>_<end>` (seconds, six
digits, as the official downloaders write it) or the bare id, in any folder below the root. Clips without a file stay in
the listing: they are counted as absent when opened.
"""

import csv
import io
import os
import re
from pathlib import Path

from sweettok import params
from sweettok.errors import InputError
from sweettok.video.formats import VIDEOS
from sweettok.video.listing import (
    SPLITS,
    Item,
    Listing,
    inside,
    listed_videos,
    printable,
    read_text,
    root_folder,
    split_items,
)

_COLUMNS = ("label", "youtube_id", "time_start", "time_end")
_CLIP = re.compile(r"([\w-]+)_\d{6}_\d{6}")


def list_kinetics(data: params.KineticsData) -> Listing:
    """The clips of data.lists by split; val and test may be carved from train, by video so that none is in two.

    Raises InputError: a list absent, malformed or of another ending, a class outside train's, a YouTube video in
    two splits, two files for one clip, a path outside the root.
    """
    root = root_folder(data.root)
    names = {split: getattr(data.lists, split) for split in SPLITS}
    stems = _files_by_stem(root) if any(str(name).endswith(".csv") for name in names.values()) else {}
    listed = {
        split: _listed(inside(root, name, f"data.lists.{split}"), root, stems)
        for split, name in names.items()
        if isinstance(name, str)
    }
    shares = {split: 0.0 if split in listed else names[split] for split in ("val", "test")}
    listed = split_items(listed["train"], _video, shares["val"], shares["test"], data.seed) | {
        split: items for split, items in listed.items() if split != "train"
    }
    _check_videos(listed)
    classes = sorted({item.class_name for item in listed["train"]})
    for split, items in listed.items():
        if unknown := {item.class_name for item in items} - set(classes):
            raise InputError(
                f"class {min(unknown)!r} of {split} has no clip in train, which defines the labels; add one or remove the class"
            )
    return Listing(classes, listed)


def _video(item: Item) -> str:
    """The YouTube video that a clip was cut from; a file named otherwise stands for itself."""
    match = _CLIP.fullmatch(Path(item.id).stem)
    return match.group(1) if match else item.id


def _check_videos(listed: dict[str, list[Item]]) -> None:
    owners: dict[str, str] = {}
    for split, items in listed.items():
        for item in items:
            if (other := owners.setdefault(_video(item), split)) != split:
                raise InputError(
                    f"video {_video(item)} is in {other} and in {split}: splits must be disjoint; remove one"
                )


def _files_by_stem(root: Path) -> dict[str, Path]:
    """Stem -> path from the root, of all video files below it. Raises InputError where two share a stem."""
    found: dict[str, Path] = {}
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = (Path(folder) / name).relative_to(root)
            if path.suffix.lower() in VIDEOS and (other := found.setdefault(path.stem, path)) != path:
                raise InputError(f"{path} and {other} in {root} have the same name up to the ending; remove one")
    return found


def _listed(path: Path, root: Path, stems: dict[str, Path]) -> list[Item]:
    if path.suffix == ".csv":
        return _from_csv(path, root, stems)
    if path.suffix == ".txt":
        return _from_txt(path, root)
    raise InputError(f"{path} is not a .csv or .txt list; give one of these")


def _from_csv(path: Path, root: Path, stems: dict[str, Path]) -> list[Item]:
    text = re.sub(r"[ \t]+(?=\r?$)", "", read_text(path), flags=re.M)
    header = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=header.count)  # spreadsheets write what their country and menu say
    table = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, delimiter=delimiter)
    try:
        rows = [(table.line_num, row) for row in table]
    except csv.Error as error:
        raise InputError(f"{path} line {table.line_num}: {error}; look for an unmatched quotation mark") from error
    if missing := [name for name in _COLUMNS if name not in (table.fieldnames or ())]:
        raise InputError(f"{path} needs the column(s) {', '.join(missing)}; it has {', '.join(table.fieldnames or ())}")
    items = []
    for number, row in rows:
        try:
            stem = f"{row['youtube_id']}_{int(float(row['time_start'])):06d}_{int(float(row['time_end'])):06d}"
        except (TypeError, ValueError) as error:
            raise InputError(f"{path} line {number}: time_start and time_end must be numbers of seconds") from error
        label = printable((row["label"] or "").strip())
        if "/" in stem or not label:
            raise InputError(
                f"{path} line {number}: {row['youtube_id']!r} is not a YouTube id, or the label is empty; correct the row"
            )
        file = stems.get(stem) or stems.get(row["youtube_id"]) or Path(f"{stem}.mp4")
        items.append(Item(f"{label}/{printable(stem)}", inside(root, file, str(path)), label))
    return items


def _from_txt(path: Path, root: Path) -> list[Item]:
    """Lines `path` or `path number`, from the root; the class is the file's folder, or the number where it has none."""
    items: list[Item] = []
    numbers: dict[str, str] = {}
    for name, number in listed_videos(path):
        class_name = printable(Path(name).parent.name) or number
        if not class_name:
            raise InputError(f"{path}: {name} needs a class: put it into a class folder, or its class number after it")
        if number and numbers.setdefault(class_name, number) != number:
            raise InputError(
                f"{path}: class {class_name} has the numbers {numbers[class_name]} and {number}; give it one"
            )
        items.append(Item(printable(name), inside(root, name, str(path)), class_name))
    return items
