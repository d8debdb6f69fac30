"""Rows of small numbers <-> a string of bits, each column at its own width (numpy, no loop over numbers)."""

import numpy as np
from numpy.typing import NDArray

ROWS_AT_ONCE = 256  # a multiple of 8, so that every block but the last ends on a whole byte


def widths_of(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits that a number below `size` takes, for each size (at least 2): ceil(log2 size)."""
    return np.array([int(size - 1).bit_length() for size in sizes], dtype=np.int64)


def packed_bytes(rows: int, widths: NDArray[np.int64]) -> int:
    """Bytes of `rows` packed rows: all their bits, rounded up to a whole byte once."""
    return -(-rows * int(widths.sum()) // 8)


def pack(values: NDArray[np.int64], widths: NDArray[np.int64]) -> bytes:
    """values (rows, columns), 0 <= values[:, c] < 2^widths[c] -> their bits, row by row, most significant bit first.

    widths: (columns,), each at least 1. The last byte is filled up with zeros.
    Raises ValueError for a value that its width cannot hold.
    """
    if values.size and (values.min() < 0 or (values >> widths).any()):
        raise ValueError("expected values of at least 0 that their widths can hold")
    column, shift = _bits(widths)
    blocks = (values[start : start + ROWS_AT_ONCE] for start in range(0, len(values), ROWS_AT_ONCE))
    return b"".join(np.packbits((block[:, column] >> shift & 1).astype(np.uint8)).tobytes() for block in blocks)


def unpack(data: bytes, rows: int, widths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The inverse of `pack`: (rows, columns) int64. Raises ValueError: another length, filling that is not zero."""
    if len(data) != packed_bytes(rows, widths):
        raise ValueError(f"expected {packed_bytes(rows, widths)} bytes, got {len(data)}")
    column, shift = _bits(widths)
    values = np.empty((rows, len(widths)), dtype=np.int64)
    starts = np.cumsum(widths) - widths  # the first bit of each column
    for start in range(0, rows, ROWS_AT_ONCE):
        count = min(ROWS_AT_ONCE, rows - start)
        begin = start * len(column) // 8
        piece = np.frombuffer(data, np.uint8, packed_bytes(count, widths), begin)
        bits = np.unpackbits(piece)
        if bits[count * len(column) :].any():
            raise ValueError("expected zeros after the last value")
        rows_of_bits = bits[: count * len(column)].reshape(count, len(column)).astype(np.int64)
        values[start : start + count] = np.add.reduceat(rows_of_bits << shift, starts, axis=1)
    return values


def _bits(widths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each bit of a row: the column it belongs to, and its place in that column's number (0: the lowest)."""
    column = np.repeat(np.arange(len(widths)), widths)
    first = np.repeat(np.cumsum(widths) - widths, widths)
    return column, widths[column] - 1 - (np.arange(len(column)) - first)
