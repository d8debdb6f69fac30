"""Token files: round trip, size as claimed, no damage goes unseen, foreign versions refused."""

import hashlib
import math
import struct
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweettok.api.token_file import CHECKSUM, HEAD, MAGIC, VideoTokens
from sweettok.errors import InputError
from sweettok.generation.layout import TokenGroup, TokenLayout

MODEL = hashlib.sha256(b"some weights").hexdigest()
UNION = TokenLayout((TokenGroup("spatial", 4, ((0, 19),)), TokenGroup("temporal", 6, ((0, 15),))))
COMPOSED = TokenLayout(
    (TokenGroup("spatial", 2, ((0, 10), (0, 10), (10, 19))), TokenGroup("temporal", 3, ((0, 7), (0, 7), (7, 15))))
)
IMAGE = TokenLayout(UNION.groups[:1])
PAPER = TokenLayout((TokenGroup("spatial", 256, ((0, 10481),)), TokenGroup("temporal", 1024, ((0, 11139),))))


def drawn(layout=UNION, frames=20, window=9, seed=0, **changes):
    """Tokens with indices drawn from all of each range."""
    windows, rng = -(-frames // window), np.random.default_rng(seed)
    places = [bounds for group in layout.groups for bounds in group.ranges * group.tokens]
    flat = np.stack([rng.integers(*bounds, windows) for bounds in places], axis=1)
    fields = {
        "indices": flat.reshape(windows, layout.tokens, layout.indices_per_token), "layout": layout, "model": MODEL,
        "window": window, "frames": frames, "height": 48, "width": 64, "fit": "crop", "fps": Fraction(30000, 1001),
    }  # fmt: skip
    return VideoTokens(**(fields | changes))


def assert_same(one, two):
    assert np.array_equal(one.indices, two.indices) and one.indices.dtype == two.indices.dtype
    fields = ("layout", "model", "window", "frames", "height", "width", "fit", "fps")
    assert [getattr(one, field) for field in fields] == [getattr(two, field) for field in fields]


def sealed(content):
    """A file with the right checksum, whatever it holds."""
    return content + hashlib.blake2b(content, digest_size=CHECKSUM).digest()


@pytest.mark.parametrize("layout", [UNION, COMPOSED, IMAGE, PAPER])
@pytest.mark.parametrize("fit, fps", [("crop", Fraction(30000, 1001)), ("stretch", None)])
def test_round_trip(layout, fit, fps, tmp_path):
    tokens = drawn(layout, fit=fit, fps=fps)
    assert_same(VideoTokens.from_bytes(tokens.to_bytes()), tokens)
    tokens.save(tmp_path / "deep" / "a.swt")
    assert_same(VideoTokens.load(tmp_path / "deep" / "a.swt"), tokens)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 300), st.integers(2, 20000)), min_size=1, max_size=3),
    st.integers(1, 40), st.integers(1, 20), st.integers(0, 99),
)  # fmt: skip
def test_any_layout_comes_back_at_the_size_it_claims(groups, frames, window, seed):
    named = (
        TokenGroup(f"g{place}", count, ((first, first + size),)) for place, (count, first, size) in enumerate(groups)
    )
    tokens = drawn(TokenLayout(tuple(named)), frames, window, seed)
    content = tokens.to_bytes()
    assert_same(VideoTokens.from_bytes(content), tokens)
    windows = -(-frames // window)
    bits = windows * sum(count * math.ceil(math.log2(size)) for count, _, size in groups)
    header = struct.unpack_from("<H", content, len(MAGIC) + 2)[0]
    assert tokens.stored_bits == bits and len(content) - header - CHECKSUM == (bits + 7) // 8
    assert tokens.entropy_bits == pytest.approx(windows * sum(count * math.log2(size) for count, _, size in groups))
    assert tokens.facts()["payload_bytes"] == (bits + 7) // 8


def test_a_clip_at_the_papers_size():
    tokens = drawn(PAPER, frames=17, window=17)
    assert tokens.entropy_bits == pytest.approx(17185, abs=1)  # docs/paper.md, C11
    assert tokens.stored_bits == 1280 * 14 and len(tokens.to_bytes()) < 2240 + 150


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_flipped_bit_goes_unseen(data):
    content = bytearray(drawn().to_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, 8 * len(content) - 1))
        content[place // 8] ^= 1 << place % 8
    if bytes(content) != drawn().to_bytes():  # two flips of one bit cancel
        with pytest.raises(InputError, match="a.swt"):
            VideoTokens.from_bytes(bytes(content), "a.swt")


@pytest.mark.parametrize("layout", [UNION, IMAGE])
def test_no_truncation_or_addition_goes_unseen(layout):
    content = drawn(layout).to_bytes()
    for end in range(len(content)):
        with pytest.raises(InputError):
            VideoTokens.from_bytes(content[:end])
    for more in (b"\0", content):
        with pytest.raises(InputError, match="truncated"):
            VideoTokens.from_bytes(content + more)


@pytest.mark.parametrize("content", [b"", b"x", b"RIFF" * 40, bytes(200), MAGIC, MAGIC.replace(b"\r\n", b"\n") * 20])
def test_what_is_no_token_file(content, tmp_path):
    (tmp_path / "a.swt").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.swt .*`sweettok encode`"):
        VideoTokens.load(tmp_path / "a.swt")


@pytest.mark.parametrize("version", [0, 2, 65535])
def test_another_version_is_refused_by_its_number(version):
    content = bytearray(drawn().to_bytes()[:-CHECKSUM])
    struct.pack_into("<H", content, len(MAGIC), version)
    with pytest.raises(InputError, match=f"format {version}, .*1"):
        VideoTokens.from_bytes(sealed(bytes(content)))


@pytest.mark.parametrize(
    "offset, value",
    [
        (10, 5),  # the header's length
        (44, 4_000_000_000),  # windows
        (48, 0),  # window
        (52, 10**6),  # frames
        (56, 0),  # height
        (72, 0xFFFF),  # fit and number of groups
        (74 + 8, 4_000_000_000),  # tokens of the first group, after the length and the 7 letters of its name
        (74 + 13 + 4, 1),  # words of the first index
    ],
)
def test_a_well_sealed_file_that_contradicts_itself(offset, value):
    content = bytearray(drawn().to_bytes()[:-CHECKSUM])
    struct.pack_into("<H" if offset in (10, 72) else "<I", content, offset, value)
    with pytest.raises(InputError, match="contradicts itself"):
        VideoTokens.from_bytes(sealed(bytes(content)))


def test_an_index_beyond_its_vocabulary_is_refused_on_reading():
    tokens = drawn(IMAGE, frames=1, window=1)
    content = bytearray(tokens.to_bytes()[:-CHECKSUM])
    content[-3:] = b"\xff\xff\xf0"  # 4 indices of 5 bits, all 31, where there are 19 words
    with pytest.raises(InputError, match="contradicts itself .*ranges"):
        VideoTokens.from_bytes(sealed(bytes(content)))


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"indices": np.zeros((3, 10), np.int64)}, r"int64 .*\(3, 10, 1\)"),
        ({"indices": np.full((3, 10, 1), 19)}, "ranges"),
        ({"model": "ab"}, "sha256"),
        ({"fit": "squash"}, "fit"),
        ({"frames": 28}, "3 windows .*9 .*28"),
        ({"height": 0}, " 1 to "),
        ({"fps": Fraction(-1)}, "fraction"),
    ],
)
def test_contradictions_are_refused_before_they_are_written(changes, named):
    with pytest.raises(ValueError, match=named):
        replace(drawn(), **changes)


def test_absent_file_and_folder(tmp_path):
    for path in (tmp_path / "none.swt", tmp_path):
        with pytest.raises(InputError, match=path.name):
            VideoTokens.load(path)


def test_the_documented_layout_is_the_files():
    """docs/token-format.md, read as its table says and not as the code does."""
    tokens = drawn()
    content = tokens.to_bytes()
    assert content[:8] == b"\x89SWT\r\n\x1a\n" and content[12:44].hex() == MODEL
    version, header = struct.unpack_from("<HH", content, 8)
    numbers = struct.unpack_from("<7I", content, 44)
    assert (version, numbers) == (1, (3, 9, 20, 48, 64, 30000, 1001)) and content[72:74] == b"\0\2"
    groups = b"\x07spatial" + struct.pack("<IBII", 4, 1, 0, 19) + b"\x08temporal" + struct.pack("<IBII", 6, 1, 0, 15)
    assert content[74:header] == groups and header == HEAD.size + len(groups)
    bits = "".join(
        f"{index:0{5 if place < 4 else 4}b}"
        for clip in tokens.indices[..., 0].tolist()
        for place, index in enumerate(clip)
    )
    assert content[header:-8] == int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    assert content[-8:] == hashlib.blake2b(content[:-8], digest_size=8).digest()
