"""Clips in WebDataset shards: for splits too large for one array.

Layout: shard-000000.tar, ... and index.npy. A clip is two members of a tar: <number>.npy, uint8 (T, H, W, 3), and
<number>.json, its labels row; any WebDataset reader takes them. index.npy, int64 (clips, 2), says where a clip lies:
shard, byte of its first pixel. So a clip costs one seek and one read, and nothing is kept open or in memory.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from sweettok.errors import InputError
from sweettok.storage import sha256_of

Clip = tuple[np.ndarray, dict[str, str | int]]  # frames uint8 (T, H, W, 3), labels row
INDEX = "index.npy"
MIXED = 8  # shards from which a training reads at a time
REMEDY = "run `dvc repro prepare_data`"


def _name(shard: int) -> str:
    return f"shard-{shard:06d}.tar"


def write_shards(clips: Iterator[Clip], folder: Path, clips_per_shard: int) -> dict:
    """Write clips as shards and their index to `folder`; returns what the split's entry in store.json says of them.

    That is: shards (name of each file -> its SHA-256) and clips_sha256, which is that of these checksums. Memory is
    bounded by a few clips. The same clips give the same bytes.
    """
    index: list[tuple[int, int]] = []
    for first in clips:  # each turn writes one shard, so that none is empty
        shard = index[-1][0] + 1 if index else 0
        content = chain([first], islice(clips, clips_per_shard - 1))
        index += [(shard, place) for place in _write_shard(folder / _name(shard), content, len(index))]
    np.save(folder / INDEX, np.array(index, np.int64).reshape(-1, 2))
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    return {"clips_sha256": hashlib.sha256("".join(files.values()).encode()).hexdigest(), "shards": files}


def _write_shard(path: Path, clips: Iterable[Clip], number: int) -> list[int]:
    """Write clips, numbered from `number`; returns the byte of the first pixel of each."""
    places = []
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for key, (frames, row) in enumerate(clips, start=number):
            array = io.BytesIO()
            np.save(array, np.ascontiguousarray(frames))
            places.append(_add(tar, f"{key:09d}.npy", array.getvalue()) - frames.nbytes)
            _add(tar, f"{key:09d}.json", json.dumps(row, ensure_ascii=False, allow_nan=False).encode())
    return places


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> int:
    """Append a member, without owner or time; returns the byte at which its content ends."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    begin = tar.offset + tarfile.BLOCKSIZE  # a USTAR header of a short name is one block
    tar.addfile(member, io.BytesIO(content))
    return begin + len(content)


@dataclass(frozen=True)
class ShardedFrames:
    """The frames of a split's shards, read like an array of shape (N, T, H, W, 3) by any number of processes."""

    folder: Path
    shape: tuple[int, ...]
    index: np.ndarray  # (N, 2) int64: shard, byte of the first pixel

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, key: np.ndarray | tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """[rows]: clips uint8 (B, T, H, W, 3). [rows, moments]: one frame of each, uint8 (B, H, W, 3), read alone.

        rows, moments: int64 (B,), in range. Raises InputError: a damaged shard.
        """
        if isinstance(key, tuple):
            return self._read(*key, self.shape[2:])
        return self._read(key, np.zeros_like(key), self.shape[1:])

    def _read(self, rows: np.ndarray, moments: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Of each clip the pixels of `shape` that begin at a moment, uint8 (B, *shape)."""
        pixels, frame_size = np.empty((len(rows), *shape), np.uint8), int(np.prod(self.shape[2:]))
        for row, moment, part in zip(rows.tolist(), moments.tolist(), pixels, strict=True):
            shard, begin = self.index[row].tolist()
            path = self.folder / _name(shard)
            try:
                with open(path, "rb") as file:
                    file.seek(begin + moment * frame_size)
                    found = file.readinto(part)
            except (OSError, ValueError) as error:  # ValueError: a negative place
                raise InputError(f"{path} is damaged at clip {row} ({error}); {REMEDY}") from error
            if found < part.nbytes:
                raise InputError(f"{path} is damaged at clip {row} (it ends too early); {REMEDY}")
        return pixels

    def order(self, seed: int, epoch: int, mixed: int = MIXED) -> np.ndarray:
        """Clip numbers of an epoch, int64 (N,): shards in random order, the clips of `mixed` shards at a time mixed.

        Depends on (seed, epoch, mixed) only. A reader so touches `mixed` shards at a time: neighbouring reads stay
        near each other on disk, and the shuffle is the better the more are mixed (all: uniform).
        """
        rng = np.random.default_rng([seed, epoch])
        ends = np.cumsum(np.bincount(self.index[:, 0]))
        members = np.split(np.arange(len(self)), ends[:-1])
        drawn = rng.permutation(len(members))
        groups = [drawn[begin : begin + mixed] for begin in range(0, len(drawn), mixed)]
        return np.concatenate(
            [rng.permutation(np.concatenate([members[shard] for shard in group])) for group in groups]
        )
