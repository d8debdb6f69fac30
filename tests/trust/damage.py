"""Bytes as a bad disk, a full one or a broken copy leaves them, and what a reader makes of them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sweettok.errors import InputError

REGIONS = 8  # of a file: each is damaged equally often, from its first byte to its last
KINDS = ("flip", "cut", "zeros", "others")
LONGEST = 64  # bytes of a block that is zeroed or overwritten


@st.composite
def damaged(draw: st.DrawFn, content: bytes, region: int) -> bytes:
    """`content` with a bit flipped, its end cut off, or a block zeroed or overwritten, from a place in the region on."""
    first, end = (len(content) * edge // REGIONS for edge in (region, region + 1))
    place = draw(st.integers(first, max(first, end - 1)))
    kind = draw(st.sampled_from(KINDS))
    if kind == "cut":
        return content[:place]
    if kind == "flip":
        block = bytes([content[place] ^ 1 << draw(st.integers(0, 7))])
    elif kind == "zeros":
        block = bytes(draw(st.integers(1, LONGEST)))
    else:
        block = draw(st.binary(min_size=1, max_size=LONGEST))
    return (content[:place] + block + content[place + len(block) :])[: len(content)]


@dataclass
class Survey:
    """How often a reader met damage, and how.

    named     InputError, one line with the file's name
    harmless  the content came out as it was: the damage hit bytes that mean nothing
    unnamed   another exception, or one that does not name the file
    silent    other content came out
    """

    counts: Counter = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)  # of each kind that must not be: what happened

    @property
    def lost(self) -> int:
        return self.counts["unnamed"] + self.counts["silent"]

    def note(self, outcome: str, what: str) -> None:
        self.counts[outcome] += 1
        if outcome in ("unnamed", "silent"):
            self.first.setdefault(outcome, what)


def survey(path: Path, read: Callable[[], Any], examples: int) -> Survey:
    """Damage the file `examples` times in each of its regions and call `read`, which opens it and returns what is in it
    in a form that can be compared. The file is whole again afterwards."""
    content, found = path.read_bytes(), Survey()
    whole = read()
    try:
        for region in range(REGIONS):
            _damage(path, content, region, examples, lambda broken: _meet(path, read, whole, broken, content, found))
    finally:
        path.write_bytes(content)
    assert read() == whole, "the reader itself changes what it reads"
    return found


def _damage(path: Path, content: bytes, region: int, examples: int, meet: Callable[[bytes], None]) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(damaged(content, region))
    def once(broken: bytes) -> None:
        if broken != content:  # zeros over zeros
            path.write_bytes(broken)
            meet(broken)

    once()


def _meet(path: Path, read: Callable[[], Any], whole: Any, broken: bytes, content: bytes, found: Survey) -> None:
    at = next((place for place, (one, two) in enumerate(zip(broken, content, strict=False)) if one != two), len(broken))
    where = f"{len(broken)} of {len(content)} bytes, the first that differs is {at}"
    try:
        outcome = "harmless" if read() == whole else "silent"
    except InputError as error:
        named = path.name in str(error) and "\n" not in str(error)
        found.note("named" if named else "unnamed", f"{where}: {error}")
    except Exception as error:  # whatever else a reader lets through is a finding, not this test's end
        found.note("unnamed", f"{where}: {type(error).__name__}: {error}")
    else:
        found.note(outcome, where)
