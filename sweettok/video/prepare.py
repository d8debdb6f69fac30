"""Write the clip store: every split of a data source, checked to be disjoint."""

import csv
import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from sweettok import params
from sweettok.errors import InputError
from sweettok.storage import atomic_directory, sha256_of, write_json
from sweettok.video.sprites import Sprites
from sweettok.video.store import SCHEMA

SPLITS = tuple(params.SplitSizes.model_fields)


class Source(Protocol):
    """Where clips come from. `classes[label]` is the name of a class."""

    classes: list[str]

    def clips(self, split: str) -> Iterator[tuple[np.ndarray, dict[str, str | int]]]:
        """Of each clip in order: frames uint8 (T, H, W, 3), and clip, class, label, caption and any factor:*."""
        ...


SOURCES: dict[str, Callable[[params.Data], Source]] = {"sprites": Sprites}


def prepare(data: params.Data, out: str | Path) -> dict:
    """Write the store of `data` to folder `out`, all or nothing; returns a summary.

    Summary: name, clips (split -> count), frames, size, bytes (of all clips.npy), classes, sha256 (split -> of
    clips.npy). The same `data` gives the same bytes.
    Raises InputError: unknown data.name, a clip that occurs in two splits, clips of another shape or number than
    params say, unwritable output.
    """
    if data.name not in SOURCES:
        raise InputError(f"data.name is {data.name!r}; known: {', '.join(SOURCES)}")
    source = SOURCES[data.name](data)
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
        write_json(folder / "store.json", description)
    return {
        "name": data.name,
        "clips": {split: entry["shape"][0] for split, entry in entries.items()},
        "frames": data.frames,
        "size": data.size,
        "bytes": sum(int(np.prod(entry["shape"])) for entry in entries.values()),
        "classes": source.classes,
        "sha256": {split: entry["clips_sha256"] for split, entry in entries.items()},
    }


def _write_split(
    data: params.Data, source: Source, split: str, folder: Path, owners: dict[bytes, tuple[str, str]]
) -> dict:
    """Write clips.npy and labels.csv of one split; returns its entry in store.json."""
    folder.mkdir()
    count = getattr(data.clips, split)
    shape = (data.frames, data.size, data.size, 3)
    clips = np.lib.format.open_memmap(folder / "clips.npy", mode="w+", dtype=np.uint8, shape=(count, *shape))
    rows = []
    drawn = islice(source.clips(split), count)
    for frames, row in tqdm(drawn, total=count, desc=f"prepare {split}", unit="clip", mininterval=1):
        if frames.shape != shape or frames.dtype != np.uint8:
            raise InputError(f"clip {row['clip']} is {frames.dtype} {frames.shape}, but params say uint8 {shape}")
        _claim(frames, split, str(row["clip"]), owners)
        clips[len(rows)] = frames
        rows.append(row)
    if len(rows) < count:
        raise InputError(f"{data.name} has only {len(rows)} {split} clips; lower data.clips.{split} from {count}")
    clips.flush()
    with open(folder / "labels.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return {
        "shape": [count, *shape],
        "clips_sha256": sha256_of(folder / "clips.npy"),
        "labels_sha256": sha256_of(folder / "labels.csv"),
    }


def _claim(frames: np.ndarray, split: str, clip: str, owners: dict[bytes, tuple[str, str]]) -> None:
    """Note whose clip this is. Raises InputError where another split has the same pixels."""
    digest = hashlib.sha256(np.ascontiguousarray(frames)).digest()
    other_split, other_clip = owners.setdefault(digest, (split, clip))
    if other_split != split:
        raise InputError(
            f"clip {clip} of {split} is identical to {other_clip} of {other_split}: splits must be disjoint; "
            "remove one, or for procedural data raise data.size or data.frames"
        )
