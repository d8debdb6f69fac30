"""Clips in WebDataset shards: for sets too large for one array, read by several workers and processes.

Layout: shards.json (schema, dataset, classes, clip shape, and per split the shards with clips and checksum), and a
folder per split with shard-000000.tar, ... and index.npy. A clip is two members of a tar: <number>.npy, uint8
(T, H, W, 3), and <number>.json, its labels row; any WebDataset reader takes them. index.npy, int64 (clips, 4), says
where a clip lies: shard, byte of its first pixel, byte and length of its labels. So a clip costs one seek and one read,
and nothing is kept open or in memory.
"""

import io
import json
import math
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from sweettok import params
from sweettok.errors import InputError
from sweettok.storage import atomic_directory, read_json, sha256_of, write_json
from sweettok.video.files import FileClips
from sweettok.video.listing import SPLITS
from sweettok.video.prepare import checked_clips, open_source, write_skipped
from sweettok.video.store import batches, to_float

Clip = tuple[np.ndarray, dict[str, str | int]]
SCHEMA = 1
_REMEDY = "write the shards again"


def write_shards(data: params.Data, out: str | Path, clips_per_shard: int) -> dict:
    """Write the clips of `data` as shards to folder `out`, all or nothing; returns what shards.json says.

    Memory is bounded by a few clips. The same `data` and files give the same bytes.
    Raises InputError: as `prepare`. Raises ValueError: clips_per_shard < 1.
    """
    if clips_per_shard < 1:
        raise ValueError(f"expected clips_per_shard >= 1, got {clips_per_shard}")
    source, owners = open_source(data), {}
    with atomic_directory(out) as folder:
        splits = {
            split: _write_split(checked_clips(data, source, split, owners), folder / split, clips_per_shard)
            for split in SPLITS
        }
        shape = [data.frames, data.size, data.size, 3]
        description = {"schema": SCHEMA, "dataset": data.name, "seed": data.seed, "classes": source.classes}
        losses = write_skipped(source, folder / "skipped.csv") if isinstance(source, FileClips) else {}
        description |= {"shape": shape, "splits": splits} | losses
        write_json(folder / "shards.json", description)
    return description


def _write_split(clips: Iterator[Clip], folder: Path, clips_per_shard: int) -> dict:
    """Write the shards and the index of a split; returns its entry in shards.json."""
    folder.mkdir()
    shards, index = [], []
    for first in clips:  # each turn writes one shard, so that none is empty
        path = folder / f"shard-{len(shards):06d}.tar"
        places = _write_shard(path, chain([first], islice(clips, clips_per_shard - 1)), len(index))
        index += [(len(shards), *place) for place in places]
        shards.append({"name": path.name, "clips": len(places), "sha256": sha256_of(path)})
    np.save(folder / "index.npy", np.array(index, np.int64))
    return {"clips": len(index), "shards": shards, "index_sha256": sha256_of(folder / "index.npy")}


def _write_shard(path: Path, clips: Iterable[Clip], number: int) -> list[tuple[int, int, int]]:
    """Write clips, numbered from `number`; returns of each the byte of its pixels, the byte and length of its labels."""
    places = []
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for key, (frames, row) in enumerate(clips, start=number):
            array = io.BytesIO()
            np.save(array, np.ascontiguousarray(frames))
            pixels = _add(tar, f"{key:09d}.npy", array.getvalue()) + array.tell() - frames.nbytes
            labels = json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
            places.append((pixels, _add(tar, f"{key:09d}.json", labels), len(labels)))
    return places


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> int:
    """Append a member, without owner or time; returns the byte at which its content begins."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    begin = tar.offset + tarfile.BLOCKSIZE  # a USTAR header of a short name is one block
    tar.addfile(member, io.BytesIO(content))
    return begin


@dataclass(frozen=True)
class Shards:
    """One split of a folder of shards. Open it with `Shards.open`; any number of processes may read it."""

    folder: Path
    split: str
    classes: list[str]
    shape: tuple[int, int, int, int]  # T, H, W, 3
    entry: dict  # of shards.json: clips, index_sha256, and shards: of each name, clips, sha256
    index: np.ndarray  # (clips, 4) int64, memory-mapped: shard, byte of the pixels, byte and length of the labels

    @classmethod
    def open(cls, path: str | Path, split: str) -> "Shards":
        """Open the shards in folder `path` for reading.

        Raises InputError: shards.json or split absent, another schema, a damaged index, a shard missing.
        """
        path = Path(path)
        description = read_json(path / "shards.json")
        found = description.get("schema") if isinstance(description, dict) else None
        if found != SCHEMA:
            raise InputError(f"{path / 'shards.json'} has schema {found}, expected {SCHEMA}; {_REMEDY}")
        if split not in description["splits"]:
            raise InputError(f"{path} has no split {split!r}, only {', '.join(description['splits'])}")
        folder, entry = path / split, description["splits"][split]
        if missing := [shard["name"] for shard in entry["shards"] if not (folder / shard["name"]).is_file()]:
            raise InputError(f"{folder / missing[0]} is missing ({len(missing)} of them); {_REMEDY}")
        try:
            index = np.load(folder / "index.npy", mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise InputError(f"{folder / 'index.npy'} is damaged ({error}); {_REMEDY}") from error
        if index.shape != (entry["clips"], 4) or index.dtype != np.int64:
            raise InputError(
                f"{folder / 'index.npy'} is {index.dtype} {index.shape}, not int64 {(entry['clips'], 4)}; {_REMEDY}"
            )
        return cls(folder, split, description["classes"], tuple(description["shape"]), entry, index)

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, number: int) -> Clip:
        """Frames uint8 (T, H, W, 3) and labels row of a clip. Raises IndexError; InputError where a shard is damaged."""
        if not 0 <= number < len(self):
            raise IndexError(f"expected a clip number in 0..{len(self) - 1}, got {number}")
        shard, pixels_at, labels_at, labels_size = self.index[number].tolist()
        path, pixels_size = self.folder / self.entry["shards"][shard]["name"], math.prod(self.shape)
        try:
            with open(path, "rb") as file:
                file.seek(pixels_at)
                pixels = file.read(pixels_size)
                file.seek(labels_at)
                row = json.loads(file.read(labels_size))
            frames = np.frombuffer(pixels, np.uint8).reshape(self.shape)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is damaged at clip {number} ({error}); {_REMEDY}") from error
        return frames, row

    def verify(self) -> None:
        """Compare all files with their checksums. Raises InputError naming the first that differs."""
        sums = {shard["name"]: shard["sha256"] for shard in self.entry["shards"]}
        for name, expected in ({"index.npy": self.entry["index_sha256"]} | sums).items():
            if sha256_of(self.folder / name) != expected:
                raise InputError(f"{self.folder / name} does not match its sha256 in shards.json; {_REMEDY}")

    def order(self, count: int, seed: int, epoch: int, mixed: int) -> np.ndarray:
        """Clip numbers of an epoch, int64 (count,): shards in random order, the clips of `mixed` shards at a time mixed.

        Depends on (seed, epoch, mixed) only. A reader so touches `mixed` shards at a time: neighbouring reads stay
        near each other on disk, and the shuffle is the better the more are mixed (all: uniform).
        """
        rng = np.random.default_rng([seed, epoch])
        ends = np.cumsum([shard["clips"] for shard in self.entry["shards"]])
        members = np.split(np.arange(count), ends[:-1])
        drawn = rng.permutation(len(members))
        groups = [drawn[begin : begin + mixed] for begin in range(0, len(drawn), mixed)]
        return np.concatenate(
            [rng.permutation(np.concatenate([members[shard] for shard in group])) for group in groups]
        )


@dataclass
class ShardBatches(IterableDataset):
    """Training batches from shards: (clips float32 (B, 3, T, H, W) in [-1, 1], labels int64 (B,)), for a DataLoader.

    Give it to `DataLoader(..., batch_size=None, num_workers=n)`. Batch `step` is the same for any number of workers and
    wherever training was resumed (start_step); the `ranks` processes of a training take equal, disjoint parts of each
    global batch of ranks * batch_size clips, so that none waits for another at an epoch's end.
    """

    shards: Shards
    batch_size: int
    steps: int
    seed: int
    mixed: int = 8
    start_step: int = 0
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.ranks:
            raise ValueError(f"expected a rank in 0..{self.ranks - 1}, got {self.rank}")
        if self.batch_size < 1 or self.mixed < 1:
            raise ValueError(f"expected batch_size and mixed >= 1, got {self.batch_size} and {self.mixed}")

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        turn, turns = (worker.id, worker.num_workers) if worker else (0, 1)
        order = partial(self.shards.order, mixed=self.mixed)
        rows = batches(self.shards, self.ranks * self.batch_size, self.steps, self.seed, self.start_step, order)
        part = slice(self.rank * self.batch_size, (self.rank + 1) * self.batch_size)
        for numbers in islice(rows, turn, None, turns):  # a DataLoader asks its workers in turn
            clips, labels = zip(*(self.shards[number] for number in numbers[part].tolist()), strict=True)
            yield to_float(np.stack(clips)), torch.tensor([row["label"] for row in labels])
