"""Which frames of a file become clips: arithmetic only."""

from sweettok.params import Windows


def span_of(frames: int, stride: int) -> int:
    """Frames of the file that a window of `frames` frames reaches over."""
    return (frames - 1) * stride + 1


def window_starts(windows: Windows, frames: int, begin: int, end: int, draw: float) -> list[int]:
    """First frames of the windows that lie wholly within the file's frames begin .. end - 1, increasing.

    windows.every sets their distance (null: a single window); windows.start where the row of them stands in the room
    that is left: at the first frame, in the middle, or at `draw` in [0, 1) of it. Empty where none fits.
    """
    room = end - begin - span_of(frames, windows.stride)
    if room < 0:
        return []
    reach = 0 if windows.every is None else room // windows.every * windows.every  # from the first start to the last
    slack = room - reach
    offset = {"first": 0, "centre": slack // 2, "random": int(draw * (slack + 1))}[windows.start]
    return list(range(begin + offset, begin + offset + reach + 1, windows.every or 1))


def time_parts(frames: int, val: float, test: float, gap: int) -> dict[str, tuple[int, int]]:
    """A file's frames in time order: split -> (begin, end); parts never overlap, `gap` frames lie between two."""
    first, second = round(frames * (1 - val - test)), round(frames * (1 - test))
    return {"train": (0, first), "val": (first + gap, second), "test": (second + gap, frames)}
