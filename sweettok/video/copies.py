"""Files of a data set that are byte for byte the same: copies under other names, hard links."""

import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from pathlib import Path

from sweettok.errors import InputError, counted, one_line
from sweettok.storage import sha256_of
from sweettok.video.listing import Listing

END = 4096  # bytes

log = logging.getLogger(__name__)


def check_copies(listing: Listing) -> None:
    """Raises InputError where copies of a file are in two splits; logs how many a split has, for they may be meant.

    A set divided in time has all files in all splits, and the same frames of copies in each. Absent and empty files are
    not looked at. Only files of one size and one end are read.
    """
    members: dict[Path, tuple[str, str]] = {}  # file -> its first split, and its id
    for split, items in listing.splits.items():
        for item in items:
            members.setdefault(item.file, (split, item.id))
    within = []
    for copy, original in copies(members):
        (split, name), (other_split, other) = members[copy], members[original]
        if split != other_split:
            raise InputError(
                f"{name} in {split} is a copy of {other} in {other_split}: splits must be disjoint; remove one"
            )
        within.append(f"{name} of {split} ({other} again)")
    if within:
        log.warning("%s", one_line(f"{counted(len(within), 'file')} listed twice as copies, first {within[0]}; remove "
                                   "them unless they are to count twice"))  # fmt: skip


def copies(files: Iterable[Path]) -> list[tuple[Path, Path]]:
    """(copy, original) for each file whose bytes an earlier one has."""
    groups = [list(files)]
    for key in (_size, _end, sha256_of):
        groups = [alike for group in groups for alike in _grouped(group, key) if len(alike) > 1]
    return [(copy, group[0]) for group in groups for copy in group[1:]]


def _grouped(files: list[Path], key: Callable[[Path], Hashable]) -> Iterable[list[Path]]:
    groups = defaultdict[Hashable, list[Path]](list)
    for file in files:
        with suppress(OSError):  # absent or unreadable, which is counted where it is to be read
            groups[key(file)].append(file)
    return groups.values()


def _size(file: Path) -> Hashable:
    return file.stat().st_size or file


def _end(file: Path) -> bytes:
    with file.open("rb") as content:
        content.seek(-min(END, file.stat().st_size), 2)
        return content.read()
