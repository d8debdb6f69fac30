"""Shards: the clips, labels and errors of a store are the same as of one array, and any tar reader finds the clips."""

import io
import json
import pickle
import tarfile

import numpy as np
import pytest
import torch
from sprite_data import sprites_data

from sweettok.errors import InputError
from sweettok.storage import read_sealed
from sweettok.video.prepare import prepare
from sweettok.video.shards import ShardedFrames
from sweettok.video.sprites import Sprites
from sweettok.video.store import ClipStore, batches

DATA = sprites_data(clips=(23, 5, 4), frames=5, motions=4, seed=3, clips_per_shard=5, two_objects=0.5)
COUNTS = {"train": 23, "val": 5, "test": 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards") / "data"
    prepare(DATA, folder)
    return folder


@pytest.fixture(scope="module")
def array_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("array") / "data"
    prepare(DATA.model_copy(update={"clips_per_shard": None}), folder)
    return folder


@pytest.fixture
def copy(tmp_path):
    prepare(DATA, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("split", COUNTS)
def test_a_store_of_shards_reads_as_one_of_an_array(folder, array_folder, split):
    shards, array = ClipStore.open(folder, split), ClipStore.open(array_folder, split)
    shards.verify()
    assert len(shards) == len(array) == COUNTS[split]
    assert (shards.frames, shards.size, shards.classes) == (array.frames, array.size, array.classes)
    assert shards.expect(5, 16, "the test") is shards and shards.labels.equals(array.labels)
    rows = [3, 0, len(array) - 1, 3]
    assert torch.equal(shards.clips(range(len(array))), array.clips(range(len(array))))
    assert torch.equal(shards.clips(rows), array.clips(rows))
    assert shards.clips([]).shape == array.clips([]).shape
    drawn = [store.images(rows * 5, torch.Generator().manual_seed(1)) for store in (shards, array)]
    assert drawn[0].shape == (20, 3, 1, 16, 16) and torch.equal(*drawn)


def test_store_json_says_the_same_but_for_the_files(folder, array_folder):
    shards, array = (read_sealed(path / "store.json") for path in (folder, array_folder))
    for split in COUNTS:
        sharded, whole = shards["splits"][split], array["splits"][split]
        assert sharded.pop("shards").keys() == {path.name for path in (folder / split).iterdir()} - {"labels.csv"}
        assert sharded.pop("clips_sha256") != whole.pop("clips_sha256")
        assert (folder / split / "labels.csv").read_bytes() == (array_folder / split / "labels.csv").read_bytes()
    assert shards == array


def test_training_batches_have_the_pixels_of_their_indices(folder, array_folder):
    shards, array = ClipStore.open(folder, "train"), ClipStore.open(array_folder, "train")
    drawn = list(batches(shards, 4, 12, seed=7))
    assert all(torch.equal(shards.clips(indices), array.clips(indices)) for indices in drawn)
    epochs = torch.cat(drawn)[:46].reshape(2, 23)
    assert all(np.array_equal(row, shards.order(seed=7, epoch=epoch)) for epoch, row in enumerate(epochs.numpy()))
    assert not torch.equal(epochs[0], epochs[1])


def test_any_tar_reader_finds_the_clips(folder):
    names, clips = sorted((folder / "train").glob("*.tar")), list(Sprites(DATA).clips("train"))
    assert [path.name for path in names] == [f"shard-{number:06d}.tar" for number in range(5)]
    number = 0
    for path in names:
        with tarfile.open(path) as tar:
            for array, labels in zip(*[iter(tar.getmembers())] * 2, strict=True):
                assert array.name == f"{number:09d}.npy" and labels.name == f"{number:09d}.json"
                content = io.BytesIO(tar.extractfile(array).read())
                assert np.array_equal(np.load(content, allow_pickle=False), clips[number][0])
                assert json.loads(tar.extractfile(labels).read()) == clips[number][1]
                number += 1
    assert number == 23


def test_same_params_same_bytes(folder, copy):
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(files) == 1 + 3 * 2 + 5 + 1 + 1
    assert all((folder / name).read_bytes() == (copy / name).read_bytes() for name in files)


def test_fingerprints_tell_splits_and_worlds_apart(folder, copy, tmp_path):
    prepare(DATA.model_copy(update={"seed": 4}), tmp_path / "other")
    prints = {ClipStore.open(folder, split).fingerprint for split in COUNTS}
    assert len(prints) == 3 and ClipStore.open(copy, "train").fingerprint in prints
    assert ClipStore.open(tmp_path / "other", "train").fingerprint not in prints


@pytest.mark.parametrize("mixed", [1, 2, 5, 9])
def test_an_epoch_has_every_clip_once_and_stays_near(mixed, tmp_path):
    index = np.array([(clip // 5, 0) for clip in range(23)], np.int64)
    frames = ShardedFrames(tmp_path, (23, 5, 16, 16, 3), index)
    orders = [frames.order(seed, epoch, mixed) for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert all(sorted(order) == list(range(23)) for order in orders)
    assert np.array_equal(orders[0], orders[1]) and len({tuple(order) for order in orders}) == 3
    visits = [number // 5 for number in orders[0]]
    for shard in range(5):  # a shard's clips lie within one group of `mixed` shards
        places = [place for place, visited in enumerate(visits) if visited == shard]
        assert places[-1] - places[0] < 5 * mixed


def test_pickled_a_store_is_its_place_and_not_its_clips(folder, array_folder):
    for path in (folder, array_folder):
        store = ClipStore.open(path, "train")
        content = pickle.dumps(store)
        assert len(content) < 1000
        assert torch.equal(pickle.loads(content).clips([22, 0]), store.clips([22, 0]))


def cut(path):
    path.write_bytes(path.read_bytes()[:700])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "shard-000002.tar").unlink(), r"shard-000002\.tar .*missing"),
        (lambda path: (path / "index.npy").unlink(), r"index\.npy .*missing"),
        (lambda path: (path / "labels.csv").unlink(), r"labels\.csv .*missing"),
        (lambda path: (path / "index.npy").write_bytes(b""), r"index\.npy .*sha256"),
        (lambda path: np.save(path / "index.npy", np.zeros((2, 2), np.int64)), r"index\.npy .*sha256"),
        (
            lambda path: np.save(path / "index.npy", np.array([{}]), allow_pickle=True),
            r"index\.npy .*sha256",
        ),
    ],
)
def test_damage_is_found_when_opened(copy, damage, message):
    damage(copy / "train")
    with pytest.raises(InputError, match=f"{message}.*dvc repro prepare_data") as raised:
        ClipStore.open(copy, "train")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["shard-000001.tar", "index.npy", "labels.csv"])
def test_verify_finds_a_changed_byte(copy, name):
    path = copy / "train" / name
    content = bytearray(path.read_bytes())
    content[-600 if name.endswith("tar") else -1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{name} .*sha256"):
        ClipStore.open(copy, "train").verify()


def test_a_shard_damaged_later_is_named_with_the_clip(copy):
    store, path = ClipStore.open(copy, "train"), copy / "train" / "shard-000001.tar"
    cut(path)
    with pytest.raises(InputError, match=r"shard-000001\.tar .*clip 5 "):
        store.clips([0, 5])
    path.unlink()
    with pytest.raises(InputError, match=r"shard-000001\.tar .*clip 6 .*No such file"):
        store.images([6], torch.Generator())


@pytest.mark.parametrize(("place", "message"), [((0, -9), r"index\.npy .*sha256"), ((7, 0), r"index\.npy .*sha256")])
def test_an_index_that_points_nowhere_is_refused(copy, place, message):
    path = copy / "train" / "index.npy"
    index = np.load(path)
    index[0] = place
    np.save(path, index)
    with pytest.raises(InputError, match=message):
        ClipStore.open(copy, "train").clips([0])


def test_shards_of_files_mix_the_classes_and_keep_the_losses(tmp_path, file_data, write_video, scene):
    for number in range(24):
        write_video(tmp_path / "set" / "ab"[number // 12] / f"{number:02d}.mkv", scene(5, 16, 16, seed=number))
    (tmp_path / "set" / "a" / "empty.avi").write_bytes(b"")
    data = file_data("video_folder", tmp_path / "set", max_skipped=0.9, clips_per_shard=8)
    said = prepare(data, tmp_path / "out")
    assert (
        sum(said["skipped"].values()) == 1 and "a/empty.avi,is empty" in (tmp_path / "out" / "skipped.csv").read_text()
    )
    stores = [ClipStore.open(tmp_path / "out", split) for split in COUNTS]
    assert sum(map(len, stores)) == 24
    labels = stores[0].labels["label"].tolist()
    assert len(set(labels[:8])) == 2 and labels != sorted(labels)
    files = {row["file"]: scene(5, 16, 16, seed=int(row["file"][2:4])) for _, row in stores[0].labels.iterrows()}
    expected = np.stack([files[name] for name in stores[0].labels["file"]])
    assert np.array_equal(stores[0]._frames[np.arange(len(labels))], expected)
