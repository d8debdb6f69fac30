"""What long work shows: a bar on a terminal; in a file, such as a log of DVC, a line a minute."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from tqdm import tqdm

MINUTE = 60.0
LINE = "{desc}: {n_fmt} of {total_fmt} ({percentage:.0f} %), {rate_fmt}, {remaining} left{postfix}"
COUNT = "{desc}: {n_fmt}, {rate_fmt}{postfix}"  # where nobody knows how much there is


class Lines:
    """A stream that takes what tqdm writes to go back in a line, and passes on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        if line := " ".join(text.split()):
            self.stream.write(f"{line}\n")

    def flush(self) -> None:
        self.stream.flush()


def progress(
    items: Iterable[Any] | None = None, name: str = "", total: int | None = None, **options: Any
) -> "tqdm[Any]":
    """tqdm with rate and time left. Without a terminal: a line at the start, one a minute and one at the end.

    options: of tqdm, e.g. unit, initial, disable. With delay=MINUTE, work that takes less shows nothing in a file.
    """
    if sys.stderr.isatty():
        on_terminal: dict[str, Any] = {"mininterval": 1.0, "dynamic_ncols": True} | options | {"delay": 0}
        return tqdm(items, name, total, **on_terminal)
    known = total is not None or hasattr(items, "__len__")
    in_lines: dict[str, Any] = {"file": Lines(sys.stderr), "mininterval": MINUTE, "maxinterval": MINUTE, "miniters": 1}
    return tqdm(items, name, total, **in_lines, bar_format=LINE if known else COUNT, **options)
