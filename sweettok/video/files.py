"""Clips of a listing of files: windows chosen, decoded in parallel, what cannot be read skipped and counted."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from sweettok import params
from sweettok.errors import InputError, counted
from sweettok.progress import progress
from sweettok.video import images
from sweettok.video.clip_captions import caption_of, in_words, read_clip_captions
from sweettok.video.copies import check_copies
from sweettok.video.decode import VideoIndex, read_window, video_index
from sweettok.video.draws import draw, shuffled
from sweettok.video.formats import Unreadable
from sweettok.video.listing import Item, Listing, check_disjoint
from sweettok.video.ordered_map import ordered_map, usable_cores
from sweettok.video.resize_crop import resize_crop
from sweettok.video.windows import span_of, time_parts, window_starts

NEAREST = 0.6  # share of a frame's shorter side that the nearest of further views shows

Named = TypeVar("Named")


@dataclass(frozen=True)
class Skip:
    """A file, or a window of it, that gives no clip, and why."""

    split: str
    file: str
    reason: str


@dataclass(frozen=True)
class Window:
    """A clip to be read: `start` is its first frame in the file."""

    item: Item
    clip: str
    start: int


@dataclass
class FileClips:
    """A source of clips (see prepare.Source) from listed files.

    A clip's id is its file's id, for videos with the first frame (`class/file.avi@34`), for further views of a training
    clip with their number (`class/file.avi@34#2`). Its caption is the one that data.captions has for it, else that of
    its class. With data.clips of a split or data.clips_per_shard set, files come in an order drawn by seed, and no file
    gives a second clip, views aside, before each has given one: a shard is to hold many classes. Else all clips come in
    the files' order. Either way the clips do not depend on `workers`.
    """

    data: params.FileData
    listing: Listing
    class_captions: dict[str, str] = field(default_factory=dict)
    workers: int = field(default_factory=usable_cores)

    def __post_init__(self) -> None:
        check_disjoint(self.listing)
        check_copies(self.listing)
        self.classes = self.listing.classes
        self.skipped: list[Skip] = []
        self.listed = {split: len(items) for split, items in self.listing.splits.items()}
        self._captions = read_clip_captions(self.data.captions) if self.data.captions else {}
        self._check_captions()
        self._video: params.Windows | None = getattr(self.data, "windows", None)  # None: files are images
        self._index: Callable[[Path], VideoIndex] = lru_cache(maxsize=64)(video_index)  # windows of a file share it

    def _check_captions(self) -> None:
        """Raises InputError where data.captions names no listed file: its ids are of another kind."""
        captioned = {name for clip in self._captions for name in (clip, clip.rpartition("@")[0])}
        ids = [item.id for items in self.listing.splits.values() for item in items]
        if self._captions and not any(name in captioned or name.rpartition(".")[0] in captioned for name in ids):
            raise InputError(
                f"data.captions {self.data.captions} names none of the files of the data set: it has "
                f"{next(iter(self._captions))!r}, the files have names such as {ids[0]!r}"
            )

    def clips(self, split: str) -> Iterator[tuple[np.ndarray, dict[str, str | int]]]:
        """(frames uint8 (T, H, W, 3), labels row) of each clip; what cannot be read goes to `skipped`.

        Raises InputError: more than data.max_skipped of the split's files are skipped.
        """
        items = self.listing.splits[split]
        allowed, failed = self.data.max_skipped * len(items), set()
        for found in ordered_map(partial(self._read, split), self._windows(split, items), self.workers):
            if isinstance(found, Skip):
                self.skipped.append(found)
                failed.add(found.file)
                if len(failed) > allowed:
                    raise InputError(self._too_many(split, len(items)))
                continue
            window, frames = found
            for view, seen in enumerate(frames):
                yield seen, self._row(window, view)

    def _row(self, window: Window, view: int) -> dict[str, str | int]:
        name = window.item.class_name
        caption = caption_of(self._captions, window.clip, window.item.id)
        return {
            "clip": _name_of(window.clip, view),
            "class": name,
            "label": self.classes.index(name),
            "caption": caption or self.class_captions.get(name) or in_words(name),
            "file": window.item.id,
            "start": window.start,
        }

    def _windows(self, split: str, items: Iterable[Item]) -> Iterator[Window | Skip]:
        """All windows of a split, in the order in which they are to be read."""
        limited = getattr(self.data.clips, split) is not None
        drawn = limited or self.data.clips_per_shard is not None
        if drawn:
            items = self._drawn({item.id: item for item in items}, "files")
        later: list[list[Window]] = []
        bar = progress(items, f"prepare {split}", unit="file", disable=limited)
        for found in ordered_map(partial(self._planned, split), bar, self.workers):
            if isinstance(found, Skip):
                yield found
            elif drawn:
                first, *rest = self._drawn({window.clip: window for window in found}, "windows")
                later.append(rest)
                yield first
            else:
                yield from found
        for turn in range(max(map(len, later), default=0)):
            yield from (rest[turn] for rest in later if turn < len(rest))

    def _drawn(self, named: dict[str, Named], purpose: str) -> list[Named]:
        return [named[name] for name in shuffled(named, self.data.seed, purpose)]

    def _planned(self, split: str, item: Item) -> list[Window] | Skip:
        """The windows of one file; at least one."""
        if self._video is None:
            return [Window(item, item.id, 0)]
        try:
            frames = self._index(item.file).frames
        except Unreadable as error:
            return Skip(split, item.id, str(error))
        begin, end = 0, frames
        if self.listing.by_time:
            division = self.data.split  # type: ignore[attr-defined]  # by_time: a VideoFolderData with a TimeSplit
            begin, end = time_parts(frames, division.val, division.test, division.gap)[split]
        starts = window_starts(self._video, self.data.frames, begin, end, draw(self.data.seed, "start", split, item.id))
        if not starts:
            needed = span_of(self.data.frames, self._video.stride)
            return Skip(
                split, item.id, f"has {counted(max(end - begin, 0), 'frame')} for {split}, a clip needs {needed}"
            )
        return [Window(item, f"{item.id}@{start}", start) for start in starts]

    def _read(self, split: str, window: Window | Skip) -> tuple[Window, np.ndarray] | Skip:
        if isinstance(window, Skip):
            return window
        try:
            return window, self._frames(window, self.data.views if split == "train" else 1)
        except Unreadable as error:
            return Skip(split, window.item.id, str(error))

    def _frames(self, window: Window, views: int) -> np.ndarray:
        """uint8 (views, T, H, W, 3); the window is decoded once."""
        crops = [self._crop(_name_of(window.clip, view), further=view > 0) for view in range(views)]

        def seen(frame: np.ndarray) -> np.ndarray:
            return np.stack([crop(frame) for crop in crops])

        file = window.item.file
        if self._video is None:
            return seen(images.read_image(file))[:, None]
        frames = read_window(file, window.start, self._video.stride, self.data.frames, seen, self._index(file))
        return frames.swapaxes(0, 1)

    def _crop(self, clip: str, further: bool) -> Callable[[np.ndarray], np.ndarray]:
        """From a frame of any size to the clip's (size, size, 3); a further view is nearer, and mirrored or not."""
        data, drawn = self.data, partial(draw, self.data.seed)
        place, shorter_side = (0.5, 0.5), data.shorter_side or data.size
        if data.crop == "random" or further:
            place = drawn("across", clip), drawn("down", clip)
        if further:
            shorter_side = round(shorter_side / (1 - (1 - NEAREST) * drawn("scale", clip)))
        crop = partial(resize_crop, shorter_side=shorter_side, size=data.size, place=place)
        return (lambda frame: crop(frame)[:, ::-1]) if further and drawn("mirror", clip) < 0.5 else crop

    def _too_many(self, split: str, files: int) -> str:
        """The message of the error, with the first reasons."""
        reasons = [f"{skip.file}: {skip.reason}" for skip in self.skipped if skip.split == split]
        return (
            f"more than data.max_skipped {self.data.max_skipped} of {counted(files, f'{split} file')} cannot be used, "
            f"first {'; '.join(reasons[:3])}; repair them or raise data.max_skipped"
        )


def _name_of(clip: str, view: int) -> str:
    return f"{clip}#{view}" if view else clip
