"""Whether frames come at equal distances, as far as a file's clock can say."""

import numpy as np
from numpy.typing import ArrayLike

MILLISECOND = 1e-3  # the clock of many files before a program copied them into a finer one


def is_even(times: ArrayLike, unit: float) -> bool:
    """Whether times are those of an even rate, rounded to a whole unit or millisecond. True for fewer than three.

    times: (frames,) increasing, in units. unit: seconds, the file's smallest step. Rounding makes steps differ by one unit,
    and no time further than one unit from its place at the mean rate.
    """
    seconds = np.asarray(times, np.float64) * unit
    if len(seconds) < 3:
        return True
    steps = np.diff(seconds)
    drift = seconds - seconds[0] - np.arange(len(seconds)) * steps.mean()
    rounding = 1.001 * max(unit, MILLISECOND)  # a little more, for floating point
    return bool(np.ptp(steps) <= rounding and np.abs(drift).max() <= rounding)
