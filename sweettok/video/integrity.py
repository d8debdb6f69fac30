"""Whether a video file is whole, as its own structure tells: the sizes it declares, the mark at its end, checksums.

MPEG streams (.mpg, .ts) state no length: they can tell where they are cut within a packet, not where between two.
Checksums are those of Matroska's parts (FFmpeg writes them into .mkv, not into .webm) and those of FFV1's slices, in any
container.
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweettok.errors import refusal
from sweettok.video.formats import Unreadable

_SEGMENT = 0x18538067
_CHECKSUM = b"\xbf\x84"  # Matroska's CRC-32, 4 bytes long; it comes first in its parent
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def check_whole(path: Path) -> None:
    """Raises Unreadable: not readable, cut, or a checksum differs. path: a file that is not empty."""
    with content_of(path) as content:
        try:
            _check(content)
        except (IndexError, struct.error) as error:
            raise Unreadable("truncated") from error


def _check(content: mmap.mmap) -> None:
    if content[:4] == b"\x1a\x45\xdf\xa3":
        _check_matroska(content)
    elif content[:4] == b"GIF8":
        _check_gif(content)
    elif content[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
        _check_boxes(content)
    elif content[:4] == b"\x30\x26\xb2\x75":
        _check_asf(content)
    elif content[:4] == b"OggS":
        _check_ogg(content)
    elif content[:4] == b"RIFF":
        _check_riff(content)
    elif content[:3] == b"FLV":
        _check_flv(content)
    elif content[:4] == b"\0\0\1\xba":
        _check_program_stream(content)
    else:
        _check_transport_stream(content)


@contextmanager
def content_of(path: Path) -> Iterator[mmap.mmap]:
    """The bytes of a file that is not empty. Raises Unreadable where they cannot be read."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content
    except OSError as error:
        raise Unreadable(f"cannot be read: {refusal(error, 'check the disk')}") from error


def check_length(content: mmap.mmap, written: float) -> None:
    """Raises Unreadable where fewer bytes are there than were written."""
    if written > len(content):
        raise Unreadable(f"truncated: {written:.0f} bytes were written, {len(content)} are there")


def _check_alone(is_second: bool, at: int) -> None:
    """Of files written one after another into one, FFmpeg reads the first in some formats."""
    if is_second:
        raise Unreadable(
            f"several videos joined into one file, another begins near byte {at}; split it, or join them with ffmpeg"
        )


def _check_matroska(content: mmap.mmap) -> None:
    """Sizes of the segment and of its parts, and the parts' checksums. Live streams leave sizes open: no promise."""
    _, size, at = _element(content, 0)
    number, size, at = _element(content, at + (size or 0))
    if number != _SEGMENT:
        return
    end = len(content) if size is None else at + size
    check_length(content, end)
    while at < end:
        start = at
        _, size, at = _element(content, at)
        if size is None:
            return
        if at + size > end:
            raise Unreadable("truncated" if end == len(content) else f"damaged at byte {start}")
        if content[at : at + 2] == _CHECKSUM:
            stored = int.from_bytes(content[at + 2 : at + 6], "little")
            if zlib.crc32(memoryview(content)[at + 6 : at + size]) != stored:
                raise Unreadable(f"damaged between bytes {start} and {at + size}: its checksum differs")
        at += size


def _element(content: mmap.mmap, at: int) -> tuple[int, int | None, int]:
    """(id, size, where its content begins) of the EBML element at `at`; size None: not stated."""
    values = []
    for _ in range(2):
        length = 9 - content[at].bit_length()
        if length > 8:
            raise Unreadable(f"damaged at byte {at}")
        if at + length > len(content):
            raise Unreadable("truncated")
        values.append((int.from_bytes(content[at : at + length]), length))
        at += length
    size = values[1][0] - (1 << 7 * values[1][1])  # without the bit that marks the length
    return values[0][0], None if size == (1 << 7 * values[1][1]) - 1 else size, at


def _check_gif(content: mmap.mmap) -> None:
    """Its blocks up to the trailer."""
    at = 13 + _gif_colours(content[10])
    while (kind := content[at]) != 0x3B:
        if kind == 0:  # some writers pad
            at += 1
            continue
        if kind not in (0x21, 0x2C):  # an extension, an image
            raise Unreadable(f"damaged at byte {at}")
        at += 2 if kind == 0x21 else 11 + _gif_colours(content[at + 9])
        while size := content[at]:
            at += 1 + size
        at += 1


def _gif_colours(flags: int) -> int:
    """Bytes of the table of colours that `flags` declare."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _check_boxes(content: mmap.mmap) -> None:
    """The outer boxes of MP4 and QuickTime, as far as they are ones; one `moov`, which describes the video."""
    at, described = 0, False
    while at + 8 <= len(content) and content[at + 4 : at + 8].isalnum():
        if content[at + 4 : at + 8] == b"moov":
            _check_alone(described, at)
            described = True
        size = int.from_bytes(content[at : at + 4])
        if size == 1:
            size = int.from_bytes(content[at + 8 : at + 16])
        if size < 8:  # 0: to the file's end
            return
        at += size
    check_length(content, at)


def _check_asf(content: mmap.mmap) -> None:
    """The file's size in the header; 0 in streams."""
    at = content.find(_ASF_FILE_PROPERTIES, 0, 2**16)
    size = int.from_bytes(content[at + 40 : at + 48], "little") if at >= 0 else 0
    check_length(content, size)
    _check_alone(size > 0 and content[size : size + 4] == content[:4], size)


def _check_ogg(content: mmap.mmap) -> None:
    """The last page is whole and says that it is the last."""
    at = content.rfind(b"OggS")
    segments = content[at + 26]
    end = at + 27 + segments + sum(content[at + 27 : at + 27 + segments])
    if end > len(content) or not content[at + 5] & 4:
        raise Unreadable("truncated")


def _check_riff(content: mmap.mmap) -> None:
    """The outer chunks of .avi (long ones have several)."""
    at = 0
    while content[at : at + 4] == b"RIFF":
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        if size in (0, 2**32 - 1):  # of a recording that was not closed
            return
        check_length(content, at + 8 + size)
        at += 8 + size + size % 2


def _check_flv(content: mmap.mmap) -> None:
    """The file's size in the first tag, where it has one (0 in streams); its tags, as far as they are ones."""
    name = b"\0\x08filesize\0"  # AMF: length and name of a field, then the mark of a double
    at = content.find(name, 0, 2**16)
    check_length(content, struct.unpack_from(">d", content, at + len(name))[0] if at >= 0 else 0)
    at = int.from_bytes(content[5:9]) + 4  # after the header and the size of the tag before the first
    while at + 11 <= len(content) and content[at] & 31 in (8, 9, 18):  # sound, pictures, facts
        at += 15 + int.from_bytes(content[at + 1 : at + 4])
    _check_alone(content[at : at + 3] == b"FLV", at)


def _check_program_stream(content: mmap.mmap) -> None:
    """The packs and packets of .mpg and .vob, as far as they state their lengths."""
    at = 0
    while at + 4 <= len(content) and content[at : at + 3] == b"\0\0\1":
        kind = content[at + 3]
        if kind == 0xB9:  # the end, after which another stream may follow
            at += 4
        elif kind == 0xBA:  # a pack's header, of MPEG-2 or MPEG-1
            at += 14 + (content[at + 13] & 7) if content[at + 4] >> 6 == 1 else 12
        elif kind > 0xBA and (length := int.from_bytes(content[at + 4 : at + 6])):
            at += 6 + length
        else:
            return
    check_length(content, at)


def _check_transport_stream(content: mmap.mmap) -> None:
    """Packets of .ts: 188 bytes, in .m2ts 4 bytes more before each, in broadcasts 16 more after each. The first may be cut."""
    for size, before in ((188, 0), (192, 4), (204, 0)):
        for start in range(min(size, len(content) - 4 * size)):
            if all(content[start + number * size] == 0x47 for number in range(5)):
                if excess := (len(content) - start + before) % size:
                    raise Unreadable(f"truncated within a packet: {excess} of its {size} bytes are there")
                return


def ffv1_is_damaged(frame: bytes) -> bool:
    """Whether a frame of FFV1 (version 3 and later) contradicts its slices' sizes or checksums, if it has such."""
    return not (_slices_hold(frame, 8) or _slices_hold(frame, 3))


def _slices_hold(frame: bytes, footer: int) -> bool:
    """Walk back over the slices, each of which ends in its size (3 bytes), and with a footer of 8 in a status and a CRC."""
    end = len(frame)
    while end > 0:
        start = end - footer - int.from_bytes(frame[end - footer : end - footer + 3]) if end >= footer else -1
        if start < 0:
            return False
        # FFV1's CRC-32 takes the highest bit first and starts at 0; zlib's takes the lowest and starts at all ones
        if footer == 8 and zlib.crc32(frame[start:end].translate(_REVERSED), 2**32 - 1) != 2**32 - 1:
            return False
        end = start
    return True
