"""Even times survive the rounding of any clock; uneven ones are noticed."""

import math
from fractions import Fraction

import numpy as np
import pytest

from sweettok.video.timing import is_even


@pytest.mark.parametrize("rounded", [round, math.floor, math.ceil])
@pytest.mark.parametrize("rate", [Fraction(24_000, 1001), 25, Fraction(30_000, 1001), 60, 240])
@pytest.mark.parametrize("clock", [100, 1000, 90_000])
def test_rounding_is_not_unevenness(clock, rate, rounded):
    assert is_even([rounded(Fraction(frame * clock) / rate) for frame in range(300)], 1 / clock)


@pytest.mark.parametrize(
    "steps",
    [
        [33, 50] * 10,
        [40] * 10 + [41.5] + [40] * 10,
        [40] * 20 + [80],
        [33] * 20 + [34] * 20,  # two rates one after the other
    ],
)
def test_more_than_rounding_is_uneven(steps):
    assert not is_even(np.cumsum([0, *steps]), 1e-3)
    assert not is_even(np.cumsum([0, *steps]) * 90, 1 / 90_000)


def test_times_of_milliseconds_stay_even_in_a_finer_clock():
    assert is_even(90 * np.round(np.arange(100) * 1001 / 30), 1 / 90_000)


@pytest.mark.parametrize("times", [[], [7], [7, 900]])
def test_two_frames_are_even(times):
    assert is_even(times, 1e-3)
