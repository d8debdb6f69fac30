"""Captions of clips: read from both formats, joined by id, honest errors; class names in words."""

import gzip

import pytest

from sweettok.errors import InputError
from sweettok.video.clip_captions import caption_of, in_words, read_clip_captions


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ApplyEyeMakeup", "apply eye makeup"), ("YoYo", "yo yo"), ("bank_heist", "bank heist"), ("TVShow2", "tv show2"),
        ("riding a bike", "riding a bike"), ("n01440764", "n01440764"), ("wave1", "wave1"), ("_", "_"),
    ],
)  # fmt: skip
def test_class_names_in_words(name, words):
    assert in_words(name) == words


def test_both_formats_say_the_same(tmp_path):
    (tmp_path / "a.tsv").write_text(
        'clip\tsplit\tcaption\na/b.avi\ttrain\t A "red" ball. \na/c.avi\tval\tTwo\na/c.avi\tval\tThree\n'
    )
    (tmp_path / "a.jsonl").write_text(
        '{"clip": "a/b.avi", "caption": "A \\"red\\" ball."}\n\n{"clip": "a/c.avi", "caption": "Two"}\n'
    )
    expected = {"a/b.avi": 'A "red" ball.', "a/c.avi": "Two"}
    assert read_clip_captions(tmp_path / "a.tsv") == read_clip_captions(tmp_path / "a.jsonl") == expected
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress((tmp_path / "a.tsv").read_bytes()))
    assert read_clip_captions(tmp_path / "a.tsv.gz") == expected


def test_the_most_exact_id_wins():
    captions = {"a/b.avi@3": "window", "a/b.avi": "file", "a/b": "stem", "a/c": "other"}
    assert caption_of(captions, "a/b.avi@3", "a/b.avi") == "window"
    assert caption_of(captions, "a/b.avi@9", "a/b.avi") == "file"
    assert caption_of(captions, "a/c.gif@0", "a/c.gif") == "other"
    assert caption_of(captions, "a/d.gif@0", "a/d.gif") is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", b"clip\ttext\na\tb\n", r"a\.tsv .*`caption` .*clip, text"),
        ("a.tsv", b"clip\tcaption\na\tb\nc\n", r"a\.tsv, line 3: 1 .*2 "),
        ("a.tsv", b"clip\tcaption\na\tb\n\nc\t \n", r"a\.tsv, line 4: .*'c'"),
        ("a.tsv", b"", r"a\.tsv .*`clip`"),
        ("a.tsv", b"clip\tcaption\n", r"a\.tsv .*data\.captions"),
        ("a.tsv", b"clip\tcaption\na\t\xff\n", r"a\.tsv .*UTF-8"),
        ("a.jsonl", b'{"clip": "a"}\n', r"a\.jsonl, line 1 .*`caption`"),
        ("a.jsonl", b'{"clip": 1, "caption": "a"}\n', r"a\.jsonl, line 1 .*`clip`"),
        ("a.jsonl", b'\n{"clip": "a", "caption": ""}\n', r"a\.jsonl, line 2: .*'a'"),
        ("a.jsonl", b"[1]\n", r"a\.jsonl, line 1 .*JSON object"),
        ("a.jsonl", b"{\n", r"a\.jsonl, line 1 .*JSON"),
        ("a.txt", b"a ball\n", r"a\.txt .*`clip`; .*\.tsv .*\.jsonl"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        read_clip_captions(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_absent_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"a\.tsv .*exist"):
        read_clip_captions(tmp_path / "a.tsv")
