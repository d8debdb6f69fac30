"""The files of a data set: what is in which split, before any of them is opened."""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweettok.errors import InputError, refusal
from sweettok.video.draws import shuffled
from sweettok.video.formats import VIDEOS

SPLITS = ("train", "val", "test")
_LINE = re.compile(
    r"""(?:"(?P<double>[^"]+)"|'(?P<single>[^']+)'|(?P<plain>.+?))(?:[\s,;]+(?P<quote>["']?)(?P<number>\d+)(?P=quote))?"""
)


@dataclass(frozen=True)
class Item:
    """A file as member of a split. id: its path from the root, printable; file: the path itself."""

    id: str
    file: Path
    class_name: str


@dataclass(frozen=True)
class Listing:
    """A data set's files by split. A file may be in several splits only where `by_time` divides its frames."""

    classes: list[str]
    splits: Mapping[str, Sequence[Item]]
    by_time: bool = False


def printable(path: str | Path) -> str:
    """A path as text that any UTF-8 file can hold; bytes of names that are not UTF-8 become \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def root_folder(root: str) -> Path:
    """The data set's folder, absolute. Raises InputError where there is none."""
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise InputError(
            f"data.root {root} is not a folder (looked in {Path.cwd()}); set it to the folder of the data set"
        )
    return folder.resolve()


def inside(root: Path, name: str | Path, source: str) -> Path:
    """root/name. Raises InputError where that lies outside `root`: absolute, through `..`, or by a symbolic link.

    root: resolved. source: what names the file, for the message.
    """
    path = root / name
    if "\0" in str(name):
        raise InputError(f"{source} contains a name with a zero byte, {name!r}; give a text file")
    if os.path.isabs(name) or ".." in Path(name).parts or not Path(os.path.realpath(path)).is_relative_to(root):
        raise InputError(f"{source} names {name}, which lies outside data.root {root}; copy it below the root")
    return path


def check_disjoint(listing: Listing) -> None:
    """Raises InputError where a file is listed twice in a split, or in two splits of a set not divided in time.

    Files count, not their names: `./a.mp4`, `x//a.mp4` and a link to it are one.
    """
    owners: dict[str, tuple[str, str]] = {}  # file -> its split and id
    for split, items in listing.splits.items():
        own: dict[str, tuple[str, str]] = {}
        for item in items:
            file = os.path.realpath(item.file)
            if file in own:
                raise InputError(f"{_both(item.id, own[file][1])} is listed twice in {split}; remove one")
            own[file] = split, item.id
            if not listing.by_time and file in owners:
                other, name = owners[file]
                raise InputError(
                    f"{_both(item.id, name)} is in {split} and in {other}: splits must be disjoint; remove one"
                )
        owners |= own


def _both(name: str, other: str) -> str:
    return name if name == other else f"{name} (the same file as {other})"


def split_line(line: str) -> tuple[str, str]:
    """A list's line `path` or `path number` -> (path, number or ""), apart by space, tab, comma or semicolon.

    The path comes without `./` and doubled slashes, both without quotes around them.
    """
    found = _LINE.fullmatch(line)
    assert found  # any line that is not empty matches
    path = found["double"] or found["single"] or found["plain"]
    return str(Path(path)), found["number"] or ""


def read_text(path: Path) -> str:
    """A list as it stands, line ends too. Names that are not UTF-8 are kept as the file system does.

    Raises InputError: absent, empty.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise InputError(
            f"cannot read the list {path}: {refusal(error, 'get it from where the data set comes from')}"
        ) from error
    if not text.strip():
        raise InputError(f"the list {path} is empty; give one with a file on each line")
    return text


def read_lines(path: Path) -> list[str]:
    """The lines of a list, stripped, without empty ones. Raises InputError as `read_text`."""
    return [line.strip() for line in re.split(r"[\r\n]+", read_text(path)) if line.strip()]


def listed_videos(path: Path) -> list[tuple[str, str]]:
    """`split_line` of each line of a list of videos. Raises InputError as `read_text`; for a line of another form."""
    found = []
    for number, line in enumerate(re.split(r"\r\n?|\n", read_text(path)), start=1):
        if not (line := line.strip()):
            continue
        name, of_class = split_line(line)
        if not name.lower().endswith(VIDEOS) or name.startswith('"'):  # without its partner
            raise InputError(
                f"{path} line {number}: {line!r} is not the path of a video (optionally with a class number after it); correct or remove it"
            )
        found.append((name, of_class))
    return found


def class_folders(folder: Path, root: Path, endings: tuple[str, ...]) -> tuple[list[str], list[Item]]:
    """Class names and files of folder/<class>/<file>, both sorted. Hidden entries are left out, any other is listed.

    A folder without folders is one class, of its name, whose files are those of the set's kind. Raises InputError:
    unreadable, no class folder and no file, a file of the set's kind beside class folders.
    """
    try:
        entries = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
        classes = [name for name in entries if inside(root, (folder / name).relative_to(root), "data.root").is_dir()]
        stray = [name for name in entries if name not in set(classes) and name.lower().endswith(endings)]
        if stray and not classes:
            items = [Item(printable(name), inside(root, name, "data.root"), printable(folder.name)) for name in stray]
            return [printable(folder.name)], items
        if stray:
            raise InputError(f"{folder / stray[0]} is outside the class folders; move it to <class>/{stray[0]}")
        if not classes:
            raise InputError(f"{folder} has no class folders; expected <class>/<file>")
        files = [
            (folder / name).relative_to(root) / entry.name
            for name in classes
            for entry in sorted(os.scandir(folder / name), key=lambda entry: entry.name)
            if not entry.name.startswith(".")
        ]
    except OSError as error:
        raise InputError(f"cannot list {error.filename}: {refusal(error, 'check the disk')}") from error
    items = [Item(printable(file), inside(root, file, "data.root"), printable(file.parent.name)) for file in files]
    if not items:
        raise InputError(f"the class folders of {folder} are empty; add files")
    return [printable(name) for name in classes], items


def split_names(
    names: Iterable[str], val: float | Sequence[str], test: float | Sequence[str], seed: int
) -> dict[str, str]:
    """name -> split. val and test: the names themselves, or the share of all names, drawn by `seed` (at least one).

    Raises InputError: a listed name that does not exist or is in both lists; nothing left for train.
    """
    free = shuffled(set(names), seed, "split")
    total = len(free)
    splits: dict[str, str] = {}
    for split, wanted in sorted((("val", val), ("test", test)), key=lambda pair: isinstance(pair[1], float | int)):
        if isinstance(wanted, float | int):
            taken = free[: max(round(wanted * total), 1) if wanted else 0]
        else:
            taken = list(wanted)
            if unknown := [name for name in taken if name not in free]:
                raise InputError(
                    f"{split} lists {unknown[0]!r}, which does not exist or is already taken; choose from {', '.join(sorted(free))}"
                )
        splits |= dict.fromkeys(taken, split)
        free = [name for name in free if name not in splits]
    if not free:
        raise InputError(f"val and test take all {total} groups or files and leave nothing for train; lower them")
    return splits | dict.fromkeys(free, "train")


def split_items(
    items: Iterable[Item], key: Callable[[Item], str], val: float, test: float, seed: int
) -> dict[str, list[Item]]:
    """Split items by shares of their keys: all items of a key come into one split. Raises InputError as `split_names`."""
    items = list(items)
    splits = split_names(map(key, items), val, test, seed)
    return {split: [item for item in items if splits[key(item)] == split] for split in SPLITS}
