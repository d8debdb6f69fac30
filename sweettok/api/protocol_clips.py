"""Files read as a published protocol reads them: its frames, rate, place in the file, resizing and rounding."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sweettok.api.frames import FrameFile
from sweettok.errors import InputError, counted
from sweettok.metrics.protocol import Selection, adapted, frame_numbers, resized, thinned
from sweettok.params import Protocol
from sweettok.storage import sha256_of
from sweettok.video.store import to_float, to_uint8

VALUES_AT_ONCE = 1 << 24  # of a batch of clips: 64 MiB, and a few times that while they are measured


@dataclass(frozen=True)
class ProtocolClips:
    """Clips of files under a protocol, with what `score` and the Frechet distances ask of a ClipStore.

    Read anew at each call: a folder may be larger than memory.
    windows  of each clip its file's number and the numbers (frames,) of its frames
    skipped  files that were left out for being too short
    """

    files: tuple[FrameFile, ...]
    protocol: Protocol
    windows: tuple[tuple[int, np.ndarray], ...]
    skipped: tuple[FrameFile, ...] = ()

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def frames(self) -> int:
        return self.protocol.frames

    @property
    def size(self) -> int:
        return self.protocol.resolution

    @property
    def split(self) -> str:
        """The one that the protocol asks for; files have none."""
        return self.protocol.split

    @cached_property
    def fingerprint(self) -> str:
        """Hex sha256 of the files' content and of what is made of them."""
        parts = [self.protocol.model_dump_json(), *(_content(file.path) for file in self.files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def clips(self, rows: Iterable[int]) -> Tensor:
        """(B, 3, frames, size, size) float32 in [-1, 1]."""
        return torch.cat([self._clip(*self.windows[row]) for row in rows])

    def _clip(self, file: int, numbers: np.ndarray) -> Tensor:
        first = int(numbers[0])
        span = self.files[file].read(first, int(numbers[-1]) - first + 1, partial(_formed, protocol=self.protocol))
        frames = span[numbers - first]  # (frames, size, size, 3): bytes, or floats in [-1, 1]
        return (
            to_float(frames[None]) if frames.dtype == np.uint8 else torch.from_numpy(frames).permute(3, 0, 1, 2)[None]
        )

    def selection(self, extractor: str) -> Selection:
        """All clips, for a distance on the extractor of that name; where it is not the protocol's, the name says so."""
        protocol = adapted(self.protocol, extractor=extractor)
        return Selection(protocol, self, np.arange(len(self)), np.zeros(len(self), np.int64))  # type: ignore[arg-type]


def at_once(frames: int, size: int, most: int = 16) -> int:
    """How many clips of that shape to hold in memory together."""
    return max(1, min(most, VALUES_AT_ONCE // (3 * frames * size * size)))


def _formed(frame: np.ndarray, protocol: Protocol) -> np.ndarray:
    """uint8 (h, w, 3) -> (size, size, 3) as the published code has it: bytes where it makes bytes, else float32 in [-1, 1]."""
    clip = resized(to_float(frame[None, None]), protocol)  # (1, 3, 1, size, size)
    if protocol.pixels in ("round", "truncate"):
        return to_uint8(clip)[0, 0]
    return clip[0, :, 0].permute(1, 2, 0).numpy()


def fitted(
    protocol: Protocol,
    files: Sequence[FrameFile],
    frames: int | None = None,
    size: int | None = None,
    most: int | None = None,
) -> Protocol:
    """The protocol as far as the files allow, under a name that says what it lacks: fewer frames, pixels or clips.

    frames, size: of a tokenizer that takes clips of one shape only. most: clips that there are (None: one a file).
    """
    shortest = min(length(protocol, file) for file in files)
    most = most or len(files)
    return adapted(
        protocol,
        frames=frames or (protocol.frames if protocol.start == "every" else min(protocol.frames, shortest)),
        resolution=size or min(protocol.resolution, *map(side, files)),
        clips=protocol.clips and min(protocol.clips, most),
    )


def side(file: FrameFile) -> int:
    """The shorter side of a file's frames in pixels."""
    return min(file.height, file.width)


def length(protocol: Protocol, file: FrameFile) -> int:
    """How many frames a file has at the protocol's rate."""
    return len(thinned(protocol, file.frames, _rate(file)))


def open_protocol_clips(files: Sequence[FrameFile], protocol: Protocol, skip_shorter: bool = False) -> ProtocolClips:
    """The clips that a protocol takes of files. skip_shorter: leave files that are too short out, instead of refusing them.

    Raises InputError: a file that is too short, none left, fewer files than the protocol's clips.
    """
    if protocol.clips and protocol.clips > len(files):
        raise InputError(
            f"protocol {protocol.name} wants {counted(protocol.clips, 'clip')}, but there are {len(files)} files"
        )
    generator = np.random.default_rng(protocol.seed)
    numbers = np.arange(protocol.clips or len(files))
    if protocol.choice == "random":
        numbers = np.sort(generator.choice(len(files), size=len(numbers), replace=False))
    chosen = [files[number] for number in numbers.tolist()]
    draws = generator.random(len(chosen))  # two folders of paired files draw alike
    of_files = [  # a picture is no clip, also where a protocol repeats the last frame of short ones
        () if file.frames == 1 < protocol.frames else frame_numbers(protocol, file.frames, _rate(file), draw)
        for file, draw in zip(chosen, draws, strict=True)
    ]
    short = tuple(file for file, windows in zip(chosen, of_files, strict=True) if not windows)
    if short and (not skip_shorter or len(short) == len(chosen)):
        has = f"{short[0].path} has {counted(short[0].frames, 'frame')}, too few for the {protocol.frames} of {protocol.name}"
        raise InputError(f"{has}; lower --frames, or leave such files out with --skip-shorter")
    long = [(file, windows) for file, windows in zip(chosen, of_files, strict=True) if windows]
    windows = tuple((number, window) for number, (_, found) in enumerate(long) for window in found)
    return ProtocolClips(tuple(file for file, _ in long), protocol, windows, short)


@cache
def _content(path: Path) -> str:
    """A file's sha256, read once however many protocols look at it."""
    return sha256_of(path)


def _rate(file: FrameFile) -> float | None:
    return float(file.fps) if file.fps else None
