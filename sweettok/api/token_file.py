"""Token files (.swt): the tokens of an image or a video, bit-packed behind a header (docs/token-format.md)."""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sweettok.api.bit_packing import pack, unpack, widths_of
from sweettok.errors import InputError, refusal
from sweettok.generation.layout import TokenGroup, TokenLayout
from sweettok.metrics import bits
from sweettok.storage import atomic_file

ENDING = ".swt"
MAGIC = b"\x89SWT\r\n\x1a\n"  # as PNG's: not text, and damaged by whatever changes line ends
VERSION = 1
HEAD = struct.Struct("<8sHH32sIIIIIIIBB")  # all but the token groups; the fields are in docs/token-format.md
GROUP, SLOT = struct.Struct("<IB"), struct.Struct("<II")
CHECKSUM = 8  # bytes of BLAKE2b at the end
Fit = Literal["crop", "stretch"]
FITS: tuple[Fit, ...] = ("crop", "stretch")
MOST = 2**32 - 1  # of every number in the header


@dataclass(frozen=True, eq=False)
class VideoTokens:
    """The tokens of an image or a video, and what is needed to show it again.

    indices   int64 (windows, tokens, indices a token), each within its range in `layout`
    layout    token groups of a window with the range of each index
    model     hex sha256 of the weights that made the tokens, and that alone can decode them
    window    frames that a window decodes to (1: an image)
    frames    of the original; the windows hold at least as many, the last one's surplus repeats the last frame
    height, width  of the original, in pixels
    fit       how it became the model's square: "crop" (centre) or "stretch"
    fps       frames a second; None for an image or where unknown

    Raises ValueError where these contradict each other.
    """

    indices: NDArray[np.int64]
    layout: TokenLayout
    model: str
    window: int
    frames: int
    height: int
    width: int
    fit: Fit
    fps: Fraction | None

    def __post_init__(self) -> None:
        shape = (len(self.indices), self.layout.tokens, self.layout.indices_per_token)
        if self.indices.shape != shape or self.indices.dtype != np.int64:
            raise ValueError(f"expected int64 indices {shape}, got {self.indices.dtype} {self.indices.shape}")
        if len(bytes.fromhex(self.model)) != 32 or self.fit not in FITS:
            raise ValueError(f"expected a model's sha256 and a fit of {FITS}, got {self.model!r} and {self.fit!r}")
        sizes = (len(self.indices), self.window, self.frames, self.height, self.width)
        if not all(0 < size <= MOST for size in sizes):
            raise ValueError(f"expected windows, window, frames, height, width from 1 to {MOST}, got {sizes}")
        if -(-self.frames // self.window) != len(self.indices):
            raise ValueError(f"{len(self.indices)} windows of {self.window} frames are not those of {self.frames}")
        if self.fps is not None and not 0 < self.fps.numerator <= MOST >= self.fps.denominator:
            raise ValueError(f"expected frames a second as a positive fraction of numbers to {MOST}, got {self.fps}")
        first, size = _ranges(self.layout)
        if size.min() < 2:  # such an index would take no bits, and a short file could claim any number of them
            raise ValueError("expected at least 2 words for each index")
        flat = self._flat()
        if (flat < first).any() or (flat >= first + size).any():
            raise ValueError("indices outside the ranges of their layout")

    def _flat(self) -> NDArray[np.int64]:
        return self.indices.reshape(len(self.indices), -1)

    @property
    def entropy_bits(self) -> float:
        """Bits at log2 of the vocabulary an index, not rounded: what the reports call bits."""
        groups = [bits.TokenGroup(group.tokens, _sizes(group)) for group in self.layout.groups]
        return len(self.indices) * bits.token_bits(groups)

    @property
    def stored_bits(self) -> int:
        """Bits in the file's payload: log2 of the vocabulary rounded up for each index."""
        return len(self.indices) * int(widths_of(_ranges(self.layout)[1]).sum())

    def facts(self) -> dict[str, Any]:
        """What the header says, and the sizes that follow from it; plain JSON values."""
        return {
            "model": self.model,
            "frames": self.frames,
            "size": [self.width, self.height],
            "fit": self.fit,
            "fps": None if self.fps is None else float(self.fps),
            "windows": len(self.indices),
            "window_frames": self.window,
            "tokens": len(self.indices) * self.layout.tokens,
            "indices": self.indices.size,
            "vocabulary": {group.name: _sizes(group) for group in self.layout.groups},
            "bits": self.entropy_bits,
            "stored_bits": self.stored_bits,
            "payload_bytes": -(-self.stored_bits // 8),
        }

    def to_bytes(self) -> bytes:
        """The file's content: header, ceil(stored_bits / 8) bytes of payload, checksum."""
        first, size = _ranges(self.layout)
        groups = b"".join(map(_group_bytes, self.layout.groups))
        fps = self.fps or Fraction(0)
        head = HEAD.pack(
            MAGIC, VERSION, HEAD.size + len(groups), bytes.fromhex(self.model),
            len(self.indices), self.window, self.frames, self.height, self.width, fps.numerator, fps.denominator,
            FITS.index(self.fit), len(self.layout.groups),
        )  # fmt: skip
        content = head + groups + pack(self._flat() - first, widths_of(size))
        return content + _checksum(content)

    @classmethod
    def from_bytes(cls, content: bytes, source: str = "the token file") -> "VideoTokens":
        """The inverse of `to_bytes`. Raises InputError naming `source`: no token file, other version, damaged."""
        if len(content) < HEAD.size + CHECKSUM or content[: len(MAGIC)] != MAGIC:
            raise InputError(f"{source} is not a token file, or is truncated; make it with `sweettok encode`")
        version = struct.unpack_from("<H", content, len(MAGIC))[0]
        if version != VERSION:
            raise InputError(f"{source} has token format {version}, this version reads {VERSION}; update sweettok")
        content, checksum = content[:-CHECKSUM], content[-CHECKSUM:]
        if _checksum(content) != checksum:
            raise InputError(f"{source} is damaged or truncated (checksum differs); encode the video again")
        try:
            return cls._parsed(content)
        except (ValueError, struct.error) as error:
            raise InputError(f"{source} contradicts itself ({error}); encode the video again") from error

    @classmethod
    def _parsed(cls, content: bytes) -> "VideoTokens":
        _, _, length, model, windows, window, frames, height, width, *rate, fit, groups = HEAD.unpack_from(content)
        reader = _Reader(content[:length], HEAD.size)
        layout = TokenLayout(tuple(_read_group(reader) for _ in range(groups)))
        if reader.at != length or not groups or fit >= len(FITS):
            raise ValueError("its header is not of the length or the values it should have")
        if any(group.tokens > 8 * len(content) or min(_sizes(group)) < 2 for group in layout.groups):
            raise ValueError("its token groups do not fit into it")  # before any memory is taken for them
        first, size = _ranges(layout)
        flat = unpack(content[length:], windows, widths_of(size)) + first
        shape = (windows, layout.tokens, layout.indices_per_token)
        fps = Fraction(*rate) if rate[0] and rate[1] else None
        return cls(flat.reshape(shape), layout, model.hex(), window, frames, height, width, FITS[fit], fps)

    def save(self, path: str | Path) -> None:
        """Write the file, all or nothing. Raises InputError (not writable)."""
        content = self.to_bytes()
        with atomic_file(path) as temporary:
            temporary.write_bytes(content)

    @classmethod
    def load(cls, path: str | Path) -> "VideoTokens":
        """Read and check a file. Raises InputError: absent, no token file, other version, damaged."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {path}: {refusal(error, f'give a {ENDING} file')}") from error
        return cls.from_bytes(content, str(path))


@dataclass
class _Reader:
    """Fields of a header one after another; beyond its end a struct.error."""

    content: bytes
    at: int

    def take(self, field: struct.Struct) -> tuple[Any, ...]:
        values = field.unpack_from(self.content, self.at)
        self.at += field.size
        return values

    def text(self) -> str:
        (length,) = self.take(struct.Struct("<B"))
        (name,) = self.take(struct.Struct(f"<{length}s"))
        return name.decode("ascii")


def _group_bytes(group: TokenGroup) -> bytes:
    name = group.name.encode("ascii")
    slots = (SLOT.pack(first, stop - first) for first, stop in group.ranges)
    return bytes([len(name)]) + name + GROUP.pack(group.tokens, len(group.ranges)) + b"".join(slots)


def _read_group(reader: _Reader) -> TokenGroup:
    name = reader.text()
    tokens, slots = reader.take(GROUP)
    ranges = [reader.take(SLOT) for _ in range(slots)]
    return TokenGroup(name, tokens, tuple((first, first + count) for first, count in ranges))


def _sizes(group: TokenGroup) -> tuple[int, ...]:
    return tuple(stop - first for first, stop in group.ranges)


def _ranges(layout: TokenLayout) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(first, size) of the index at each place of a window, spatial tokens first: int64 (tokens x indices a token,)."""
    places = np.array(list(_places(layout)), dtype=np.int64).reshape(-1, 2)
    return places[:, 0], places[:, 1] - places[:, 0]


def _places(layout: TokenLayout) -> Iterator[tuple[int, int]]:
    for group in layout.groups:
        yield from group.ranges * group.tokens


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM).digest()
