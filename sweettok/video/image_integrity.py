"""Whether an image file is whole, where its decoder does not ask: marks at the end, checksums, the scans of a JPEG.

Not noticed: a JPEG that was cut within a scan and then given an end mark.
"""

import mmap
import struct
import zlib
from pathlib import Path

from sweettok.video.formats import Unreadable
from sweettok.video.integrity import check_length, content_of

_PNG = b"\x89PNG\r\n\x1a\n"
_SCAN, _END = 0xDA, 0xD9  # markers of a JPEG
_PROGRESSIVE = (0xC2, 0xCA)
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}


def check_whole_image(path: Path) -> None:
    """Raises Unreadable: not readable, cut, or a checksum differs. path: a file that is not empty."""
    with content_of(path) as content:
        try:
            if content[:8] == _PNG:
                _check_png(content)
            elif content[:2] == b"\xff\xd8":
                _check_jpeg(content)
            elif content[:4] == b"RIFF":  # WebP
                check_length(content, 8 + int.from_bytes(content[4:8], "little"))
        except (IndexError, KeyError, ValueError, struct.error) as error:
            raise Unreadable("truncated or damaged") from error


def _check_png(content: mmap.mmap) -> None:
    """Its chunks up to the end mark: length, kind, data, checksum of kind and data. Pillow refuses damaged text too."""
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, at)
        (stored,) = struct.unpack_from(">I", content, at + 8 + length)
        if zlib.crc32(content[at + 4 : at + 8 + length]) != stored:
            raise Unreadable(f"damaged between bytes {at} and {at + 12 + length}: its checksum differs")
        at += 12 + length


def _check_jpeg(content: mmap.mmap) -> None:
    """Its segments up to the end mark, and whether its scans hold every component, at full precision.

    missing: of each component, for its 64 coefficients, the bits that no scan has given yet (255: all).
    """
    at, missing = 2, dict[int, list[int]]()
    progressive = False
    while True:
        at, marker = _marker(content, at)
        if marker == _END:
            break
        length = int.from_bytes(content[at : at + 2])
        segment = content[at + 2 : at + length]
        if len(segment) != length - 2:
            raise Unreadable("truncated")
        if marker in _FRAMES:
            progressive = marker in _PROGRESSIVE
            missing = {segment[6 + 3 * number]: [255] * 64 for number in range(segment[5])}
        elif marker == _SCAN:
            for component, (first, last, low) in _scan(segment, progressive):
                missing[component][first : last + 1] = [low] * (last + 1 - first)
        at += length
    if not missing or any(max(bits) for bits in missing.values()):
        raise Unreadable("truncated: the last scans of its data are missing")


def _marker(content: mmap.mmap, at: int) -> tuple[int, int]:
    """(where its segment begins, the next marker from `at` on), over a scan's data with its restart marks."""
    while True:
        at = content.find(b"\xff", at) + 1
        if not at:
            raise Unreadable("truncated: no end mark")
        while content[at] == 0xFF:
            at += 1
        if content[at] not in (0, 1, *range(0xD0, 0xD8)):
            return at + 1, content[at]


def _scan(header: bytes, progressive: bool) -> list[tuple[int, tuple[int, int, int]]]:
    """(component, (first coefficient, last, bits left out)) of each component in a scan."""
    count = header[0]
    first, last, precision = header[1 + 2 * count : 4 + 2 * count]
    band = (first, last, precision & 15) if progressive else (0, 63, 0)
    return [(header[1 + 2 * number], band) for number in range(count)]
