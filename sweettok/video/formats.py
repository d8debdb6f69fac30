"""The files that are read: their endings, and the reason where one cannot be."""

import logging
import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sweettok.errors import counted, one_line, refusal

log = logging.getLogger(__name__)
VIDEOS = (
    ".mp4", ".m4v", ".mp4v", ".mpg4", ".mov", ".qt", ".3gp", ".3g2", ".f4v", ".mkv", ".mk3d", ".webm", ".ivf", ".avi", ".divx",
    ".wmv", ".asf", ".flv", ".ogv", ".ogm", ".mpg", ".mpeg", ".mpe", ".m2p", ".vob", ".m1v", ".m2v", ".ts", ".mts", ".m2ts",
    ".m2t", ".mxf", ".mjpeg", ".mjpg", ".gif",
)  # fmt: skip
LISTED = 5  # endings of files that were left out, the most frequent
IMAGES = (".png", ".apng", ".webp", ".jpg", ".jpeg", ".jfif", ".bmp")


class Unreadable(Exception):
    """A file or a part of it cannot be decoded; the message is the reason, in a few words."""


def check_file(path: Path, endings: tuple[str, ...]) -> None:
    """Raises Unreadable: absent, a folder or device, of another ending (in any case of letters), empty."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Unreadable("does not exist") from error
    except OSError as error:
        raise Unreadable(f"cannot be read: {refusal(error, 'check the disk and the name')}") from error
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable(
            "is not a regular file" if not stat.S_ISDIR(status.st_mode) else "is a folder; expected a file"
        )
    if path.suffix.lower() not in endings:
        ending = f"the ending {path.suffix}" if path.suffix else "no ending"
        raise Unreadable(f"has {ending}; expected one of {' '.join(endings)}")
    if status.st_size == 0:
        raise Unreadable("is empty (0 bytes)")


def is_hidden(path: Path) -> bool:
    """Whether a relative path is hidden or lies in a hidden folder: `._a.mp4` of macOS, `.ipynb_checkpoints/a.png`."""
    return any(part.startswith(".") for part in path.parts)


def with_endings(paths: Iterable[Path], endings: tuple[str, ...], source: str | Path) -> list[Path]:
    """The files among `paths` of one of `endings`, in any case of letters; logs how many others `source` has, by ending."""
    files = [path for path in paths if path.is_file()]
    others = Counter(path.suffix.lower() or "without an ending" for path in files if path.suffix.lower() not in endings)
    if others:
        kinds = [f"{number} {ending}" for ending, number in others.most_common(LISTED)]
        if more := others.total() - sum(number for _, number in others.most_common(LISTED)):
            kinds.append(f"{more} of other endings")
        left = f"{counted(others.total(), 'file')} of other kinds left out"
        log.warning("%s", one_line(f"{source}: {left} ({', '.join(kinds)})"))
    return [path for path in files if path.suffix.lower() in endings]
