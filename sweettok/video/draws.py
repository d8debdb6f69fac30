"""Random draws that depend on a seed and on names only: not on an order, a machine or a number of workers."""

import hashlib
from collections.abc import Iterable


def draw(seed: int, *names: str) -> float:
    """A number in [0, 1), uniform over names."""
    digest = hashlib.sha256("\0".join((str(seed), *names)).encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6]) / 2**48  # 48 bits are exact in a float


def shuffled(names: Iterable[str], seed: int, purpose: str) -> list[str]:
    """The names in an order that depends on (seed, purpose) and each name; another name more moves no other."""
    return sorted(names, key=lambda name: (draw(seed, purpose, name), name))
