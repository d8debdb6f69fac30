"""Fingerprints of what params name outside the project: the same for the same files, another for any change."""

import os
import shutil
from pathlib import Path

import pytest

from sweettok.params import Codebook, SpritesData, VideoFolderData
from sweettok.sources import fingerprint, write_sources
from sweettok.storage import read_json

FILES = {"run/a.mp4": b"aaaa", "run/b.mp4": b"bb", "walk/c.mp4": b"cccc"}


@pytest.fixture
def films(tmp_path) -> Path:
    for name, content in FILES.items():
        file = tmp_path / "films" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path / "films"


@pytest.fixture
def data(films):
    """overrides -> the data section of a folder of films."""

    def make(**overrides):
        split = {"by": "random", "val": 0.2, "test": 0.2}
        return VideoFolderData(
            **{
                "name": "video_folder", "clips": {"train": None, "val": None, "test": None}, "frames": 17, "size": 16,
                "seed": 0, "clips_per_shard": None, "root": str(films), "shorter_side": None, "crop": "centre",
                "captions": None, "max_skipped": 0.0, "windows": {"stride": 1, "every": None, "start": "first"},
                "split": split, **overrides,
            }
        )  # fmt: skip

    return make


@pytest.mark.parametrize("watch", ["times", "contents"])
def test_a_folder_in_numbers(films, watch):
    found = fingerprint(films, watch)
    assert (found["files"], found["bytes"]) == (3, 10) and found == fingerprint(films, watch)
    shutil.copytree(films, films.parent / "copy")  # with the times of the files
    assert found == fingerprint(films.parent / "copy", watch)


def rename(films):
    (films / "run/a.mp4").rename(films / "run/d.mp4")


def move(films):
    (films / "run/a.mp4").rename(films / "walk/a.mp4")


def rewrite(films):
    (films / "run/a.mp4").write_bytes(b"AAAA")


def add(films):
    (films / "walk/d.mp4").touch()


def remove(films):
    (films / "run/b.mp4").unlink()


def add_empty_class(films):
    (films / "sit").mkdir()


def link_elsewhere(films):
    (films / "run/a.mp4").unlink()
    (films / "run/a.mp4").symlink_to(films / "walk/c.mp4")


@pytest.mark.parametrize("watch", ["times", "contents"])
@pytest.mark.parametrize("change", [rename, move, rewrite, add, remove, add_empty_class, link_elsewhere])
def test_any_change_below_a_folder_is_seen(films, change, watch):
    before = fingerprint(films, watch)
    change(films)
    assert fingerprint(films, watch) != before


def test_contents_are_seen_where_sizes_and_times_are_kept(films):
    by_times, by_contents = fingerprint(films), fingerprint(films, "contents")
    file = films / "run/a.mp4"
    status = file.stat()
    file.write_bytes(b"AAAA")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert fingerprint(films) == by_times and fingerprint(films, "contents") != by_contents
    file.write_bytes(FILES["run/a.mp4"])
    os.utime(file, (1, 1))
    assert fingerprint(films) != by_times and fingerprint(films, "contents") == by_contents


def test_names_that_are_not_utf8_and_links_to_nothing(films):
    (films / "run" / os.fsdecode(b"\xff\n.mp4")).write_bytes(b"x")
    (films / "run" / "gone.mp4").symlink_to("nowhere")
    assert fingerprint(films)["files"] == 4


def test_a_file_is_known_by_its_bytes(films):
    file = films / "run/a.mp4"
    before = fingerprint(file)
    os.utime(file, (1, 1))
    assert fingerprint(file) == before
    file.write_bytes(b"AAAA")
    assert fingerprint(file) != before


def test_params_say_what_is_watched(data, films, tmp_path):
    out, captions, weights = tmp_path / "out.json", tmp_path / "captions.tsv", tmp_path / "weights"
    captions.write_text("clip\tcaption\n")
    write_sources(out, data(captions=str(captions), watch="contents"))
    assert read_json(out) == {"root": fingerprint(films, "contents"), "captions": fingerprint(captions)}
    write_sources(out, SpritesData.model_construct(name="sprites"))
    assert read_json(out) == {}
    weights.mkdir()
    settings = Codebook(
        captions=None, captions_split=None, min_count=1, max_words=None, provider="clip", provider_path=str(weights)
    )
    write_sources(out, settings)
    assert read_json(out) == {"provider_path": fingerprint(weights)}


def test_what_was_never_here_has_no_fingerprint(data, films, tmp_path):
    films.rename(tmp_path / "away")
    assert write_sources(tmp_path / "out.json", data()) == [] and read_json(tmp_path / "out.json") == {"root": None}


def test_what_has_gone_keeps_its_fingerprint(data, films, tmp_path):
    out = tmp_path / "out.json"
    assert write_sources(out, data()) == []
    before = read_json(out)
    assert before["root"]["files"] == 3
    films.rename(tmp_path / "away")
    assert write_sources(out, data()) == [f"root {films}"] and read_json(out) == before
