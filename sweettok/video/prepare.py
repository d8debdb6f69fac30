"""Write the clip store: every split of a data source, checked to be disjoint."""

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from sweettok import params
from sweettok.errors import InputError, counted
from sweettok.progress import progress
from sweettok.storage import atomic_directory, sha256_of, write_sealed
from sweettok.video.files import FileClips
from sweettok.video.folders import class_names
from sweettok.video.list_files import list_files
from sweettok.video.listing import SPLITS
from sweettok.video.shards import Clip, write_shards
from sweettok.video.sprites import Sprites
from sweettok.video.store import ARRAY, LABELS, SCHEMA


class Source(Protocol):
    """Where clips come from. `classes[label]` is the name of a class."""

    classes: list[str]

    def clips(self, split: str) -> Iterator[Clip]:
        """Of each clip in order: frames uint8 (T, H, W, 3), and clip, class, label, caption and any factor:*."""
        ...


def _of_files(data: params.FileData) -> Source:
    captions = class_names(data.class_names) if isinstance(data, params.ImagenetData) else {}
    return FileClips(data, list_files(data), captions)


SOURCES: Mapping[str, Callable[[Any], Source]] = {"sprites": Sprites}  # clips that are computed, not read


def open_source(data: params.Data) -> Source:
    """The source of clips that `data` describes. Raises InputError: unknown name, or as the source's listing."""
    if isinstance(data, params.FileData):
        return _of_files(data)
    if data.name not in SOURCES:
        raise InputError(f"data.name is {data.name!r}; choose from {', '.join(SOURCES)}")
    return SOURCES[data.name](data)


def prepare(data: params.Data, out: str | Path) -> dict:
    """Write the store of `data` to folder `out`, all or nothing; returns a summary.

    The clips of a split come as one array, or as shards with data.clips_per_shard set. Summary: name, clips (split ->
    count), frames, size, bytes (of all pixels), classes, sha256 (split -> clips_sha256 of store.json); for sets of files
    also skipped (split -> count of those in the store's skipped.csv: split, file, reason) and files (split -> count).
    The same `data` and files give the same bytes.
    Raises InputError: unknown data.name, a clip that occurs in two splits, clips of another shape or number than
    params say, too many files that cannot be read, unwritable output.
    """
    source = open_source(data)
    owners: dict[bytes, tuple[str, str]] = {}  # digest of a clip's pixels -> its split and id
    with atomic_directory(out) as folder:
        entries = {split: _write_split(data, source, split, folder / split, owners) for split in SPLITS}
        description = {
            "schema": SCHEMA,
            "dataset": data.name,
            "seed": data.seed,
            "classes": source.classes,
            "splits": entries,
        }
        losses = _write_skipped(source, folder / "skipped.csv") if isinstance(source, FileClips) else {}
        write_sealed(folder / "store.json", description | losses)
    return {
        "name": data.name,
        "clips": {split: entry["shape"][0] for split, entry in entries.items()},
        "frames": data.frames,
        "size": data.size,
        "bytes": sum(int(np.prod(entry["shape"])) for entry in entries.values()),
        "classes": source.classes,
        "sha256": {split: entry["clips_sha256"] for split, entry in entries.items()},
    } | losses


def _checked_clips(
    data: params.Data, source: Source, split: str, owners: dict[bytes, tuple[str, str]], rows: list[dict]
) -> Iterator[Clip]:
    """The clips of a split as data.clips limits them, with a progress bar.

    owners: the pixels seen so far, and rows: the labels of the clips given so far; both are kept up to date.
    Raises InputError: a clip of another shape than params say or of another split's pixels; fewer clips than asked, none.
    """
    count, shape = getattr(data.clips, split), (data.frames, data.size, data.size, 3)
    drawn = islice(source.clips(split), count)
    for frames, row in progress(drawn, f"prepare {split}", count, unit="clip", disable=count is None):
        if frames.shape != shape or frames.dtype != np.uint8:
            raise InputError(f"clip {row['clip']} is {frames.dtype} {frames.shape}, but params say uint8 {shape}")
        _claim(frames, split, str(row["clip"]), owners)
        rows.append(row)
        yield frames, row
    if count is not None and len(rows) < count:
        raise InputError(
            f"{data.name} has only {counted(len(rows), f'{split} clip')}; lower data.clips.{split} from {count}"
        )
    if not rows:
        raise InputError(f"{data.name} has no {split} clip; change data.split or add files")


def _write_split(
    data: params.Data, source: Source, split: str, folder: Path, owners: dict[bytes, tuple[str, str]]
) -> dict:
    """Write clips and labels of one split; returns its entry in store.json."""
    folder.mkdir()
    shape, rows = (data.frames, data.size, data.size, 3), list[dict]()
    clips = _checked_clips(data, source, split, owners, rows)
    if data.clips_per_shard is None:
        written = _write_array(clips, folder / ARRAY, shape)
    else:
        written = write_shards(clips, folder, data.clips_per_shard)
    with open(folder / LABELS, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return {"shape": [len(rows), *shape], **written, "labels_sha256": sha256_of(folder / LABELS)}


def _write_array(clips: Iterator[Clip], path: Path, shape: tuple[int, ...]) -> dict:
    """Write clips of `shape` as one array; returns what the split's entry in store.json says of it."""
    with open(path, "wb") as file:
        _write_header(file, 0, shape)
        count = 0
        for frames, _ in clips:
            file.write(np.ascontiguousarray(frames).data)
            count += 1
        _write_header(file, count, shape)
    return {"clips_sha256": sha256_of(path)}


def _write_header(file: BinaryIO, clips: int, shape: tuple[int, ...]) -> None:
    """A .npy header at the file's start. NumPy pads it so that it keeps its length whatever the number of clips."""
    file.seek(0)
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.dtype(np.uint8).str, "fortran_order": False, "shape": (clips, *shape)}
    )


def _write_skipped(source: FileClips, path: Path) -> dict[str, dict[str, int]]:
    """Write split, file and reason of all that was skipped; returns the counts by split, beside those of files."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("split", "file", "reason"))
        table.writerows((skip.split, skip.file, skip.reason) for skip in source.skipped)
    skipped = {split: len({skip.file for skip in source.skipped if skip.split == split}) for split in SPLITS}
    return {"files": source.listed, "skipped": skipped}


def _claim(frames: np.ndarray, split: str, clip: str, owners: dict[bytes, tuple[str, str]]) -> None:
    """Note whose clip this is. Raises InputError where another split has the same pixels."""
    digest = hashlib.sha256(np.ascontiguousarray(frames).data).digest()
    other_split, other_clip = owners.setdefault(digest, (split, clip))
    if other_split != split:
        raise InputError(
            f"clip {clip} in {split} is identical to {other_clip} in {other_split}: splits must be disjoint; "
            "remove one, or for procedural data raise data.size or data.frames"
        )
