"""prepare: the same bytes each time, disjoint splits, all or nothing."""

import json

import numpy as np
import pytest
from sprite_data import sprites_data

from sweettok.errors import InputError
from sweettok.storage import sha256_of
from sweettok.video.prepare import SOURCES, prepare
from sweettok.video.store import ClipStore

DATA = sprites_data(clips=(8, 3, 2), frames=5, motions=5, two_objects=0.5)


class Stub:
    """A source of constant clips; `frames_of(split, index)` says which."""

    classes = ["still"]

    def __init__(self, frames_of, available=99):
        self.frames_of, self.available = frames_of, available

    def clips(self, split):
        for index in range(self.available):
            row = {"clip": f"{split}-{index}", "class": "still", "label": 0, "caption": "A still ball."}
            yield self.frames_of(split, index), row


def constant(value):
    return np.full((5, 16, 16, 3), value, np.uint8)


def unique(split, index):
    return constant(20 + 50 * ["train", "val", "test"].index(split) + index)


@pytest.fixture
def use_source(monkeypatch):
    return lambda source: monkeypatch.setitem(SOURCES, "sprites", lambda data: source)


def test_summary_agrees_with_what_was_written(tmp_path):
    summary = prepare(DATA, tmp_path / "data")
    assert summary["clips"] == {"train": 8, "val": 3, "test": 2}
    assert summary["bytes"] == 13 * 5 * 16 * 16 * 3
    assert summary["classes"] == ["slide", "bounce", "rotate", "orbit", "grow"]
    for split in ("train", "val", "test"):
        store = ClipStore.open(tmp_path / "data", split).expect(5, 16, "the test")
        store.verify()
        assert len(store) == len(store.labels) == summary["clips"][split]
        assert summary["sha256"][split] == sha256_of(tmp_path / "data" / split / "clips.npy")
    json.dumps(summary)  # stages write it as it is


def test_same_params_same_bytes(tmp_path):
    prepare(DATA, tmp_path / "a")
    prepare(DATA, tmp_path / "b")
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) == 7
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)


def test_replaces_an_older_store_whole(tmp_path):
    prepare(DATA, tmp_path / "data")
    (tmp_path / "data" / "leftover").write_text("")
    prepare(DATA.model_copy(update={"frames": 1}), tmp_path / "data")
    assert ClipStore.open(tmp_path / "data", "train").frames == 1
    assert not (tmp_path / "data" / "leftover").exists()


def test_a_clip_in_two_splits_is_refused_and_nothing_stays(tmp_path, use_source):
    twins = {("train", 2), ("test", 1)}
    use_source(Stub(lambda split, index: constant(7) if (split, index) in twins else unique(split, index)))
    with pytest.raises(InputError, match="test-1 .*test .*train-2 .*train"):
        prepare(DATA, tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_repeats_within_a_split_are_allowed(tmp_path, use_source):
    use_source(Stub(lambda split, index: constant(["train", "val", "test"].index(split))))
    assert prepare(DATA, tmp_path / "data")["clips"]["train"] == 8


def test_too_few_clips_are_refused(tmp_path, use_source):
    use_source(Stub(unique, available=5))
    with pytest.raises(InputError, match=r" 5 .*data\.clips\.train .*8"):
        prepare(DATA, tmp_path / "data")


@pytest.mark.parametrize("frames", [np.zeros((5, 8, 8, 3), np.uint8), np.zeros((5, 16, 16, 3), np.float32)])
def test_clips_of_another_shape_are_refused(tmp_path, use_source, frames):
    use_source(Stub(lambda split, index: frames))
    with pytest.raises(InputError, match=r"train-0 .*uint8 \(5, 16, 16, 3\)"):
        prepare(DATA, tmp_path / "data")


def test_unknown_names_are_refused(tmp_path, monkeypatch):
    monkeypatch.delitem(SOURCES, "sprites")
    monkeypatch.setitem(SOURCES, "folder", Stub)
    with pytest.raises(InputError, match=r"data\.name .*'sprites'; .*folder"):
        prepare(DATA, tmp_path / "data")


def test_unwritable_output_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        prepare(DATA, tmp_path / "file" / "data")
