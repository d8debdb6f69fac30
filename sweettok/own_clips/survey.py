"""What a folder of clips holds: kind, classes, and of each file its length, rate and size."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import av
from PIL import Image

from sweettok.errors import InputError
from sweettok.progress import MINUTE, progress
from sweettok.video.decode import video_index
from sweettok.video.formats import IMAGES, VIDEOS, Unreadable, check_file, is_hidden
from sweettok.video.listing import Item, class_folders, printable

MOST_UNUSABLE = 0.5  # of the files: beyond it, the folder is another than the user thinks


@dataclass(frozen=True)
class OwnFile:
    """A file that can be read. rate: frames a second, None of an image or where the file does not say."""

    item: Item
    frames: int
    rate: float | None
    shorter_side: int


@dataclass(frozen=True)
class Survey:
    """A folder's files. unusable: id -> reason; `files` and `unusable` together are what `data.root` lists."""

    root: Path
    images: bool
    classes: list[str]
    files: list[OwnFile]
    unusable: dict[str, str]

    @property
    def length(self) -> int:
        """Frames of the file in the middle."""
        return int(median(file.frames for file in self.files))

    @property
    def rate(self) -> float | None:
        """Frames a second of the file in the middle, of those that say."""
        rates = [file.rate for file in self.files if file.rate]
        return median(rates) if rates else None

    @property
    def shorter_side(self) -> int:
        """Pixels of the shorter side of the file in the middle."""
        return int(median(file.shorter_side for file in self.files))


def survey(root: Path) -> Survey:
    """Open every file of root/<class>/<file>, or of root itself, where that has no folders.

    Raises InputError: no folder, no clips or only deeper down, files beside class folders, mostly unusable files.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a folder; name the folder with your clips")
    images = _mostly_images(root)
    classes, items = class_folders(root.resolve(), root.resolve(), IMAGES if images else VIDEOS)
    files, unusable = list[OwnFile](), dict[str, str]()
    for item in progress(items, "look at files", unit="file", delay=MINUTE):
        try:
            files.append(_image(item) if images else _video(item))
        except Unreadable as error:
            unusable[item.id] = str(error)
    if len(unusable) > MOST_UNUSABLE * len(items):
        first, reason = next(iter(unusable.items()))
        raise InputError(
            f"{len(unusable)} of {len(items)} files in {root} cannot be used, first {first}: {reason}; "
            "move files that are not clips to another folder"
        )
    return Survey(root, images, classes, files, unusable)


def _mostly_images(root: Path) -> bool:
    """Whether the folder's clips are images. Raises InputError where it has none, or all lie too deep."""
    inside = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    visible = [path for path in inside if not is_hidden(path)]
    kinds = Counter(_kind(path) for path in visible)
    if not kinds["video"] + kinds["image"]:
        raise InputError(
            f"{root} holds no video or image in a supported format ({_endings(visible)}); see docs/reading-files.md"
        )
    clips = [path for path in visible if _kind(path)]
    if all(len(path.parts) > 2 for path in clips):
        raise InputError(
            f"{printable(root / clips[0])} lies deeper than <class>/<file>; name the folder of the classes"
        )
    return kinds["image"] > kinds["video"]


def _kind(path: Path) -> str:
    ending = path.suffix.lower()
    return "video" if ending in VIDEOS else "image" if ending in IMAGES else ""


def _endings(paths: Iterable[Path]) -> str:
    counted = Counter(path.suffix.lower() or "no ending" for path in paths)
    most = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
    return ", ".join(f"{number} {ending}" for ending, number in most) or "it is empty"


def _video(item: Item) -> OwnFile:
    index = video_index(item.file)
    with av.open(item.file) as container:
        stream = container.streams.video[0]
        side = min(stream.width, stream.height)
    return OwnFile(item, index.frames, float(index.rate) if index.rate else None, side)


def _image(item: Item) -> OwnFile:
    check_file(item.file, IMAGES)
    try:
        with Image.open(item.file) as image:
            if getattr(image, "n_frames", 1) > 1:
                raise Unreadable("an animation, not an image")
            return OwnFile(item, 1, None, min(image.size))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise Unreadable(f"no image ({error})") from error
