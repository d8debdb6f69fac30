"""Window arithmetic: within bounds, evenly spaced, as many as fit, splits apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sweettok.params import Windows
from sweettok.video.windows import span_of, time_parts, window_starts

windows = some.builds(
    Windows,
    stride=some.integers(1, 5),
    every=some.none() | some.integers(1, 40),
    start=some.sampled_from(["first", "centre", "random"]),
)
draws = some.floats(0, 1, exclude_max=True)


@given(windows, some.integers(1, 20), some.integers(0, 50), some.integers(0, 300), draws)
def test_windows_lie_within_their_part_and_no_more_would_fit(windows, frames, begin, length, draw):
    starts, end = window_starts(windows, frames, begin, begin + length, draw), begin + length
    span = span_of(frames, windows.stride)
    assert bool(starts) == (length >= span)
    if starts:
        assert starts[0] >= begin and starts[-1] + span <= end
        assert {b - a for a, b in zip(starts, starts[1:], strict=False)} <= {windows.every}
        assert len(starts) == (1 if windows.every is None else (length - span) // windows.every + 1)


@given(windows, some.integers(1, 20), some.integers(20, 300), draws)
def test_place_of_the_row(windows, frames, length, draw):
    starts = window_starts(windows, frames, 0, length, draw)
    if not starts:
        return
    before, after = starts[0], length - span_of(frames, windows.stride) - starts[-1]
    if windows.start == "first":
        assert before == 0
    if windows.start == "centre":
        assert after - before in (0, 1)


def test_random_starts_reach_both_ends():
    single = Windows(stride=1, every=None, start="random")
    assert {window_starts(single, 17, 0, 20, draw)[0] for draw in (0.0, 0.3, 0.6, 0.999)} == {0, 1, 2, 3}


@given(some.integers(0, 500), some.floats(0, 0.5), some.floats(0, 0.49), some.integers(0, 30))
def test_parts_in_time_never_overlap_and_keep_the_gap(frames, val, test, gap):
    parts = time_parts(frames, val, test, gap)
    (begin, train_end), (val_begin, val_end), (test_begin, end) = (parts[s] for s in ("train", "val", "test"))
    assert begin == 0 and end == frames
    assert val_begin - train_end == gap and test_begin - val_end == gap and train_end <= val_end <= frames


def test_parts_by_number():
    assert time_parts(100, 0.1, 0.2, 5) == {"train": (0, 70), "val": (75, 80), "test": (85, 100)}


@pytest.mark.parametrize(("frames", "stride", "span"), [(17, 1, 17), (17, 2, 33), (1, 9, 1)])
def test_span(frames, stride, span):
    assert span_of(frames, stride) == span
