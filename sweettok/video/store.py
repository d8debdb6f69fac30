"""The prepared clip store: uint8 clips on disk with labels, read as float tensors.

Layout of a store: store.json (schema, dataset, seed, classes, and per split the shape and checksums) and one folder
per split with labels.csv, one row a clip, and the clips: clips.npy, uint8 (clips, T, H, W, 3), memory-mapped, or where
store.json lists shards, these (shards.py). `prepare` writes it, with the checksums of the files as they are on disk;
`check_store` (`sweettok check FOLDER`) compares them. Reading trusts the pixels, which are too many to check each time.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence, Sized
from functools import cached_property, partial
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sweettok.errors import InputError, on_one_line
from sweettok.storage import read_json, read_sealed, sha256_of
from sweettok.video.shards import INDEX, REMEDY, ShardedFrames

if TYPE_CHECKING:
    import pandas

SCHEMA = 3
ARRAY, LABELS = "clips.npy", "labels.csv"
LABEL_COLUMNS = ("clip", "class", "label", "caption")


def to_float(frames: np.ndarray | Tensor) -> Tensor:
    """uint8 (B, T, H, W, 3) in [0, 255] -> float32 (B, 3, T, H, W) in [-1, 1], on its device. Raises ValueError."""
    pixels = torch.from_numpy(np.ascontiguousarray(frames)) if isinstance(frames, np.ndarray) else frames
    if pixels.dtype != torch.uint8 or pixels.ndim != 5 or pixels.shape[-1] != 3:
        raise ValueError(f"expected uint8 frames (B, T, H, W, 3), got {pixels.dtype} {tuple(pixels.shape)}")
    return pixels.permute(0, 4, 1, 2, 3).contiguous().float().div_(127.5).sub_(1)  # (B, 3, T, H, W)


def to_uint8(clip: Tensor) -> np.ndarray:
    """Float (B, 3, T, H, W) in [-1, 1] -> uint8 (B, T, H, W, 3), the inverse of `to_float`; values beyond are clipped.

    Raises ValueError on another shape or dtype, or on values that are not finite.
    """
    if not clip.is_floating_point() or clip.ndim != 5 or clip.shape[1] != 3:
        raise ValueError(f"expected a float clip (B, 3, T, H, W), got {clip.dtype} {tuple(clip.shape)}")
    if not clip.isfinite().all():
        raise ValueError("expected finite values in [-1, 1], got NaN or infinity")
    pixels = clip.detach().float().cpu().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
    return pixels.permute(0, 2, 3, 4, 1).contiguous().numpy()  # (B, T, H, W, 3)


class ClipStore:
    """One split of a prepared store. Open it with `ClipStore.open`."""

    def __init__(
        self, frames: np.ndarray | ShardedFrames, folder: Path, description: dict, split: str, share: tuple[int, int]
    ):
        self._frames = frames  # (N, T, H, W, 3) uint8, on disk
        self._share = share  # which of how many; (0, 1): all clips
        self._folder = folder
        self._entry = description["splits"][split]
        self.split = split
        self.classes: list[str] = list(description["classes"])

    @classmethod
    def open(cls, path: str | Path, split: str, share: tuple[int, int] = (0, 1)) -> "ClipStore":
        """Open the store in folder `path` for reading; no clip is loaded yet. share: see `ClipStore.share`.

        Raises InputError: store or split absent, another schema, a damaged file, or a shape other than store.json says.
        """
        path = Path(path)
        description = read_json(path / "store.json")
        if not isinstance(description, dict) or description.get("schema") != SCHEMA:
            found = description.get("schema") if isinstance(description, dict) else None
            raise InputError(f"{path / 'store.json'} has schema {found}, expected {SCHEMA}; {REMEDY}")
        description = read_sealed(path / "store.json", REMEDY)
        if split not in description["splits"]:
            raise InputError(f"{path} has no split {split!r}, only {', '.join(description['splits'])}")
        folder, entry = path / split, description["splits"][split]
        for name in _checksums(entry):
            if not (folder / name).is_file():
                raise InputError(f"{folder / name} is missing; {REMEDY}")
        shape = tuple(entry["shape"])
        if "shards" in entry:
            _check(folder / INDEX, entry)
            frames: Any = ShardedFrames(folder, shape, _mapped(folder / INDEX, np.int64, (shape[0], 2)))
        else:
            frames = _mapped(folder / ARRAY, np.uint8, shape)
        return cls(frames, folder, description, split, share)

    def __reduce__(self) -> tuple:
        """Another process opens the store anew: pickle would send all that is memory-mapped."""
        return ClipStore.open, (self._folder.parent, self.split, self._share)

    def share(self, number: int, shares: int) -> "ClipStore":
        """Every `shares`th clip from `number` on: shares are disjoint, and together they are this store.

        Raises ValueError where there is no such share or it has no clip, or on a share of a share.
        """
        if self._share != (0, 1) or not 0 <= number < min(shares, len(self)):
            raise ValueError(f"expected a share 0..{min(shares, len(self)) - 1} of a whole store, got {number}")
        return ClipStore.open(self._folder.parent, self.split, (number, shares))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def _rows(self) -> range:
        number, shares = self._share
        return range(number, len(self._frames), shares)

    @property
    def frames(self) -> int:
        """Frames in a clip."""
        return self._frames.shape[1]

    @property
    def size(self) -> int:
        """Height and width in pixels."""
        return self._frames.shape[2]

    @cached_property
    def labels(self) -> "pandas.DataFrame":
        """One row a clip: clip (id), class, label (int), caption, and a column `factor:<name>` for each known factor.

        Raises InputError where labels.csv lacks columns or rows.
        """
        import pandas

        path = self._folder / LABELS
        _check(path, self._entry)
        kinds = defaultdict[str, Any](lambda: str, label="int64")  # a class or a clip named 001 is text
        try:
            table = pandas.read_csv(path, keep_default_na=False, dtype=kinds)
        except ValueError as error:  # ParserError, EmptyDataError and UnicodeDecodeError are ValueErrors
            raise InputError(f"{path} is damaged ({error}); {REMEDY}") from error
        missing = [column for column in LABEL_COLUMNS if column not in table]
        if missing:
            raise InputError(f"{path} needs the column(s) {', '.join(missing)}; {REMEDY}")
        if len(table) != len(self._frames):
            raise InputError(f"{path} has {len(table)} rows for {len(self._frames)} clips; {REMEDY}")
        return table.iloc[list(self._rows)].reset_index(drop=True)

    @property
    def captions(self) -> list[str]:
        return self.labels["caption"].tolist()

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the split's identity: the checksums of its clips and labels in store.json, and which share."""
        share = "" if self._share == (0, 1) else f"{self._share}"
        return hashlib.sha256((self._entry["clips_sha256"] + self._entry["labels_sha256"] + share).encode()).hexdigest()

    def expect(self, frames: int, size: int, by: str) -> "ClipStore":
        """This store, if its clips have the frames and size that `by` (a file, a folder, a model) is made for.

        Raises InputError naming both shapes.
        """
        height, width = self._frames.shape[2:4]
        if (self.frames, height, width) != (frames, size, size):
            raise InputError(
                f"{self._folder} holds {self.frames}x{height}x{width} clips but {by} expects {frames}x{size}x{size}; "
                "run `dvc repro`, which makes anew what is out of date"
            )
        return self

    def verify(self) -> None:
        """Compare all files with their checksums. Raises InputError naming the first that differs."""
        for name in _checksums(self._entry):
            _check(self._folder / name, self._entry)

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """The clips' numbers in the order of a training's epoch, int64 (N,), which depends on (seed, epoch) only.

        A shuffle; of shards, one that reads few of them at a time.
        """
        if isinstance(self._frames, ShardedFrames):
            number, shares = self._share
            order = self._frames.order(seed, epoch)
            return order[order % shares == number] // shares
        return shuffled_epoch(len(self), seed, epoch)

    def clips(self, indices: Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """Clips by number, float32 (B, 3, T, H, W) in [-1, 1]. Raises ValueError on numbers out of range."""
        return to_float(self.pixels(indices))

    def pixels(self, indices: Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """Clips by number as they are stored, uint8 (B, T, H, W, 3). Raises ValueError on numbers out of range."""
        return torch.from_numpy(np.ascontiguousarray(self._frames[self._checked(indices)]))

    def images(self, indices: Sequence[int] | np.ndarray | Tensor, generator: torch.Generator) -> Tensor:
        """One random frame of each clip, as clips of time 1: float32 (B, 3, 1, H, W) in [-1, 1]. Raises ValueError."""
        rows = self._checked(indices)
        moments = torch.randint(self.frames, (len(rows),), generator=generator).numpy()
        return to_float(self._frames[rows, moments][:, None])  # of (B, 1, H, W, 3)

    def _checked(self, indices: Sequence[int] | np.ndarray | Tensor) -> np.ndarray:
        rows = np.asarray(indices)
        if rows.ndim != 1 or not (np.issubdtype(rows.dtype, np.integer) or rows.size == 0):
            raise ValueError(f"expected a list of clip numbers, got {rows.dtype} of shape {rows.shape}")
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise ValueError(f"expected clip numbers in 0..{len(self) - 1}, got {rows.min()}..{rows.max()}")
        number, shares = self._share
        return number + shares * rows.astype(np.int64)


def check_store(path: str | Path) -> dict[str, int]:
    """Compare all files of a store with their checksums: split -> clips. Raises InputError naming the first that differs."""
    path = Path(path)
    counts = {}
    for split in read_sealed(path / "store.json", REMEDY)["splits"]:
        store = ClipStore.open(path, split)
        store.verify()
        counts[split] = len(store)
    return counts


def _checksums(entry: dict) -> dict[str, str]:
    """The files of a split and their SHA-256, by its entry in store.json."""
    return entry.get("shards", {ARRAY: entry["clips_sha256"]}) | {LABELS: entry["labels_sha256"]}


def _check(path: Path, entry: dict) -> None:
    """Compare a file with its checksum. Raises InputError."""
    if sha256_of(path) != _checksums(entry)[path.name]:
        raise InputError(f"{path} does not match its sha256 in store.json; {REMEDY}")


def _mapped(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> np.ndarray:
    """An array in a .npy file, memory-mapped. Raises InputError: damaged, another dtype or shape."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TokenError) as error:  # NumPy parses the header as Python
        raise InputError(f"{path} is damaged ({on_one_line(error)}); {REMEDY}") from error
    if array.shape != shape or array.dtype != dtype:
        raise InputError(
            f"{path} holds {array.dtype} {array.shape} but store.json says {np.dtype(dtype)} {shape}; {REMEDY}"
        )
    return array


def shuffled_epoch(count: int, seed: int, epoch: int) -> np.ndarray:
    """The numbers 0 .. count - 1 in an order that depends on (seed, epoch) only, int64 (count,)."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def batches(store: Sized, batch_size: int, steps: int, seed: int, start_step: int = 0) -> Iterator[Tensor]:
    """Index tensors (batch_size,) int64 for the steps start_step .. steps - 1 of a training.

    The clips come in one endless row of epochs, each in the store's own order (plainly shuffled where `store` is no
    ClipStore), cut into batches across the epochs' ends. So step n is the same wherever a run was resumed, and a batch
    may exceed the store.
    Raises ValueError for an empty store.
    """
    count = len(store)
    if count == 0:
        raise ValueError("expected at least one clip to draw batches from, got an empty store")
    order = store.order if isinstance(store, ClipStore) else partial(shuffled_epoch, count)
    epoch, numbers = -1, np.empty(0, np.int64)
    for step in range(start_step, steps):
        pieces, position, end = [], step * batch_size, (step + 1) * batch_size
        while position < end:
            if position // count != epoch:
                epoch = position // count
                numbers = order(seed, epoch)
            offset = position % count
            pieces.append(numbers[offset : offset + end - position])
            position += len(pieces[-1])
        yield torch.from_numpy(np.concatenate(pieces))
