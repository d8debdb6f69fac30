"""Classical video codecs, through PyAV and in memory: what a clip costs in real bits, and what comes back.

Each clip is one stream of its own with one key frame, its first. Encoders run in one thread, at their slower presets and
without tuning, so a clip gives the same bytes on every run. Two sizes are given, because at a few hundred bits a clip what
is counted decides:

- `bits`: the whole elementary stream as it is decoded here: H.264's byte stream (Annex B, start codes included) or AV1's
  low-overhead stream of OBUs, with sequence and picture headers. No container. Left out alone is what no decoder reads:
  H.264's SEI (x264 writes some 5,000 bits of its own settings there) and padding.
- `bits_without_headers`: only the units that carry pictures (with their own slice or frame headers), without parameter
  sets or sequence header, delimiters, start codes and size fields: what is left where both sides know the format.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import av
import numpy as np
import torch
from av.video.reformatter import VideoReformatter
from torch import Tensor

from sweettok.errors import InputError
from sweettok.params import CodecPoint
from sweettok.tokenizers.base import Unlearned, check_input
from sweettok.tokenizers.trilinear import Grid, enlarge, shrink
from sweettok.video.store import to_float, to_uint8

END = -1  # after a stream's last byte
FRAMES_A_SECOND = 25  # what x264's constant rate factor is scaled to


@dataclass(frozen=True)
class Unit:
    """A piece of a stream: a NAL unit of H.264 or an OBU of AV1.

    kind   nal_unit_type (H.264, table 7-1) or obu_type (AV1, section 6.2.2)
    whole  its bytes in the stream;  bare: how many of them are neither start code nor size field
    """

    kind: int
    whole: bytes
    bare: int


def nal_units(stream: bytes) -> Iterator[Unit]:
    """The NAL units of an H.264 byte stream (ITU-T H.264, annex B), each with the start code before it.

    Raises ValueError where the stream does not begin with a start code.
    """
    starts = list(re.finditer(rb"\x00*\x00\x00\x01", stream))
    if not starts or starts[0].start() != 0:
        raise ValueError("expected an H.264 byte stream, which begins with a start code")
    for start, end in zip(starts, [*(start.start() for start in starts[1:]), len(stream)], strict=True):
        yield Unit(stream[start.end()] & 31, stream[start.start() : end], end - start.end())


def open_bitstream_units(stream: bytes) -> Iterator[Unit]:
    """The OBUs of an AV1 low-overhead stream (AV1 specification, section 5.3). Raises ValueError (a unit without size)."""
    place = 0
    while place < len(stream):
        header = stream[place]
        if not header & 2:
            raise ValueError("expected OBUs with a size field (low-overhead bitstream format)")
        head = 2 if header & 4 else 1  # with the extension byte
        size, after = _leb128(stream, place + head)
        yield Unit(header >> 3 & 15, stream[place : after + size], head + size)
        place = after + size


def _leb128(stream: bytes, place: int) -> tuple[int, int]:
    """(value, place after it) of a number in groups of 7 bits, lowest first (AV1 specification, section 4.10.5)."""
    value = 0
    for position in range(8):
        value |= (stream[place + position] & 127) << 7 * position
        if not stream[place + position] & 128:
            return value, place + position + 1
    raise ValueError("expected a leb128 number of at most 8 bytes")


@dataclass(frozen=True)
class Codec:
    """A codec with its encoder's settings.

    settings  all that is set but the quality, as FFmpeg's options
    units     takes a stream apart;  pictures: kinds of units that carry them;  unread: kinds that no decoder needs
    """

    name: str
    title: str
    encoder: str
    decoder: str
    pixel_format: str
    settings: dict[str, str]
    units: Callable[[bytes], Iterator[Unit]]
    pictures: frozenset[int]
    unread: frozenset[int]

    def facts(self) -> dict[str, Any]:
        """What makes its streams, ready for JSON."""
        return {
            "title": self.title,
            "encoder": self.encoder,
            "pixel_format": self.pixel_format,
            "settings": self.settings,
        }


CODECS = {
    codec.name: codec
    for codec in (
        Codec(
            name="h264",
            title="H.264",
            encoder="libx264",
            decoder="h264",
            pixel_format="yuv444p",
            # x264's assembly gives some clips other bits on another run (seen with x264 165 and tiny frames); C does not
            settings={"preset": "veryslow", "x264-params": "scenecut=0:lookahead-threads=1:asm=0"},
            units=nal_units,
            pictures=frozenset(range(1, 6)),
            unread=frozenset({6, 12}),  # SEI, filler
        ),
        Codec(
            name="av1",
            title="AV1",
            encoder="libsvtav1",
            decoder="libdav1d",
            pixel_format="yuv420p",  # SVT-AV1 has no other with 8 bits
            settings={"preset": "4", "svtav1-params": "lp=1:scd=0"},
            units=open_bitstream_units,
            pictures=frozenset({3, 4, 6, 7}),  # frame header, tile group, frame, repeated frame header
            unread=frozenset({15}),  # padding
        ),
    )
}


def encode(codec: Codec, frames: np.ndarray, quality: int) -> bytes:
    """The stream of a clip, uint8 (T, H, W, 3), H and W even, without what no decoder reads.

    quality: the encoder's constant rate factor, higher is worse.

    Raises InputError where PyAV has no such encoder or it refuses the clip.
    """
    time, height, width, _ = frames.shape
    os.environ.setdefault("SVT_LOG", "1")  # errors only: SVT-AV1 prints a page of settings for every clip
    try:
        context: Any = av.CodecContext.create(codec.encoder, "w")  # a VideoCodecContext, by the codec
        context.width, context.height, context.pix_fmt = width, height, codec.pixel_format
        context.time_base, context.framerate = Fraction(1, FRAMES_A_SECOND), Fraction(FRAMES_A_SECOND)
        context.gop_size, context.thread_count = time, 1
        context.options = codec.settings | {"crf": str(quality)}
        packets = [packet for frame in _planes(frames, codec) for packet in context.encode(frame)]
        stream = b"".join(bytes(packet) for packet in [*packets, *context.encode(None)])
    except av.FFmpegError as error:
        raise InputError(
            f"{codec.encoder} does not encode clips of {time}x{height}x{width} at quality {quality} ({error.strerror}); "
            f"leave codecs.{codec.name} empty: []"
        ) from error
    except ValueError as error:  # av's UnknownCodecError
        raise InputError(
            f"PyAV has no encoder {codec.encoder} here ({error}); install the wheel of `av` from PyPI or leave "
            f"codecs.{codec.name} empty: []"
        ) from error
    return b"".join(unit.whole for unit in codec.units(stream) if unit.kind not in codec.unread)


def _planes(frames: np.ndarray, codec: Codec) -> Iterator["av.VideoFrame"]:
    reformatter = VideoReformatter()  # one for all frames: it is slow to set up
    for number, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame = reformatter.reformat(frame, format=codec.pixel_format, interpolation="BICUBIC")
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_A_SECOND)
        yield frame


def bits_without_headers(codec: Codec, stream: bytes) -> int:
    """Bits of what carries pictures in a stream; see the module."""
    return 8 * sum(unit.bare for unit in codec.units(stream) if unit.kind in codec.pictures)


def decode(codec: Codec, stream: bytes) -> np.ndarray:
    """The clip of a stream: uint8 (T, H, W, 3)."""
    context: Any = av.CodecContext.create(codec.decoder, "r")
    context.thread_count = 1
    frames = [frame for packet in (*context.parse(stream), *context.parse(b"")) for frame in context.decode(packet)]
    frames += context.decode(None)
    reformatter = VideoReformatter()
    rgb = (reformatter.reformat(frame, format="rgb24", interpolation="BICUBIC") for frame in frames)
    return np.stack([frame.to_ndarray() for frame in rgb])


def coded_grid(point: CodecPoint, size: Grid) -> Grid:
    """Frames, height and width at which clips of `size` (T, H, W) are coded."""
    time, height, width = size
    return 1 + (time - 1) // point.time, max(1, height // point.space), max(1, width // point.space)


@dataclass(frozen=True)
class CodecTokenizer(Unlearned):
    """A codec at a point. A token is a byte of the stream; after a stream's end comes padding, `END`, which costs nothing.

    Where the point is smaller than the clips, they are area-averaged before coding and enlarged trilinearly after it.
    """

    name: str
    frames: int
    size: int
    codec: str
    point: CodecPoint
    bits_per_clip: ClassVar[None] = None

    def encode(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) in [-1, 1] -> int64 (B, bytes of the longest). Raises ValueError (shape, range), InputError."""
        check_input(self, clip)
        grid = coded_grid(self.point, (self.frames, self.size, self.size))
        streams = [encode(CODECS[self.codec], frames, self.point.crf) for frames in to_uint8(shrink(clip, grid))]
        rows = [torch.tensor(list(stream)) for stream in streams]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=END)

    def decode(self, tokens: Tensor) -> Tensor:
        """int64 (B, bytes) -> clip (B, 3, T, H, W)."""
        decoded = [decode(CODECS[self.codec], stream) for stream in streams_of(tokens)]
        return enlarge(to_float(np.stack(decoded)), (self.frames, self.size, self.size))

    def sizes(self, tokens: Tensor) -> dict[str, Tensor]:
        """`bits` and `bits_without_headers` of each clip's stream (B,), float64; see the module."""
        streams = streams_of(tokens)
        bare = [bits_without_headers(CODECS[self.codec], stream) for stream in streams]
        whole = [8 * len(stream) for stream in streams]
        return {"bits": torch.tensor(whole).double(), "bits_without_headers": torch.tensor(bare).double()}

    @property
    def fingerprint(self) -> str:
        """Of the codec's settings and the point."""
        facts = [CODECS[self.codec].facts(), self.point.model_dump(), self.frames, self.size]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def at_point(name: str, frames: int, size: int, codec: str, crf: int, time: int = 1, space: int = 1) -> CodecTokenizer:
    """A codec, h264 or av1, at one rate, for params.tokenizers. Raises InputError (unknown codec)."""
    if codec not in CODECS:
        raise InputError(f"codec {codec!r} is unknown; choose one of {', '.join(CODECS)}")
    return CodecTokenizer(name, frames, size, codec, CodecPoint(crf=crf, time=time, space=space))


def streams_of(tokens: Tensor) -> list[bytes]:
    """int64 (B, bytes) -> the streams, without their padding."""
    return [bytes(row[row != END].tolist()) for row in tokens.cpu()]
