"""Bits of rows: against a string of zeros and ones, back and forth, at whatever widths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweettok.api.bit_packing import ROWS_AT_ONCE, pack, packed_bytes, unpack, widths_of


def drawn(widths, rows, seed):
    """Values (rows, columns) that the widths can hold, with both ends of each column's range among them."""
    values = np.random.default_rng(seed).integers(0, 2 ** np.array(widths), (rows, len(widths)))
    return np.concatenate([values, np.zeros_like(values[:1]), 2 ** np.array(widths)[None] - 1])


def as_text(values, widths):
    """The reference: every number in binary, one after another."""
    return "".join(f"{value:0{width}b}" for row in values.tolist() for value, width in zip(row, widths, strict=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 32), min_size=1, max_size=12), st.integers(0, 20), st.integers(0, 99))
def test_the_bytes_are_the_numbers_in_binary(widths, rows, seed):
    values = drawn(widths, rows, seed)
    text = as_text(values, widths)
    data = pack(values, np.array(widths))
    assert len(data) == packed_bytes(len(values), np.array(widths)) == (len(text) + 7) // 8
    assert "".join(f"{byte:08b}" for byte in data) == text.ljust(8 * len(data), "0")
    assert np.array_equal(unpack(data, len(values), np.array(widths)), values)


@pytest.mark.parametrize("rows", [ROWS_AT_ONCE - 3, ROWS_AT_ONCE - 2, ROWS_AT_ONCE - 1, 2 * ROWS_AT_ONCE + 1])
def test_blocks_join_without_a_seam(rows):
    widths = np.array([3, 11, 1])
    values = drawn(widths, rows, 0)
    data = pack(values, widths)
    assert data == int(as_text(values, widths).ljust(8 * len(data), "0"), 2).to_bytes(len(data), "big")
    assert np.array_equal(unpack(data, len(values), widths), values)


@pytest.mark.parametrize("size, width", [(2, 1), (3, 2), (4, 2), (5, 3), (197, 8), (256, 8), (257, 9), (10481, 14)])
def test_widths_hold_the_largest_index_and_no_more(size, width):
    assert widths_of(np.array([size])).tolist() == [width]
    assert 2 ** (width - 1) < size <= 2**width


@pytest.mark.parametrize("value", [-1, 8])
def test_a_value_that_its_width_cannot_hold(value):
    with pytest.raises(ValueError, match="widths"):
        pack(np.array([[0, value]]), np.array([3, 3]))


def test_wrong_length_and_filling():
    widths = np.array([3])
    with pytest.raises(ValueError, match="1 bytes, .*2"):
        unpack(b"\0\0", 1, widths)
    with pytest.raises(ValueError, match="zeros"):
        unpack(b"\x01", 1, widths)
