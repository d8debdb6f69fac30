"""Shards: what was written is read, by any number of workers and ranks, from any step on."""

import io
import json
import tarfile

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sweettok.errors import InputError
from sweettok.params import SplitSizes, SpritesData
from sweettok.video.shards import ShardBatches, Shards, write_shards
from sweettok.video.sprites import Sprites

DATA = SpritesData(
    name="sprites", clips=SplitSizes(train=23, val=5, test=4), frames=5, size=16, seed=3, two_objects=0.5, classes=4
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards") / "data"
    write_shards(DATA, folder, clips_per_shard=5)
    return folder


@pytest.fixture
def copy(tmp_path):
    write_shards(DATA, tmp_path / "data", clips_per_shard=5)
    return tmp_path / "data"


def test_clips_and_labels_come_back(folder):
    for split, count in (("train", 23), ("val", 5), ("test", 4)):
        shards = Shards.open(folder, split)
        shards.verify()
        assert len(shards) == count and shards.classes == Sprites(DATA).classes
        for number, (frames, row) in enumerate(Sprites(DATA).clips(split)):
            read, labels = shards[number]
            assert np.array_equal(read, frames) and labels == row


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
    assert len(files) == 1 + 3 + 5 + 1 + 1
    assert all((folder / name).read_bytes() == (copy / name).read_bytes() for name in files)


@pytest.mark.parametrize("mixed", [1, 2, 5, 9])
def test_an_epoch_has_every_clip_once_and_stays_near(folder, mixed):
    shards = Shards.open(folder, "train")
    orders = [shards.order(23, seed, epoch, mixed) for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert all(sorted(order) == list(range(23)) for order in orders)
    assert np.array_equal(orders[0], orders[1]) and len({tuple(order) for order in orders}) == 3
    visits = [number // 5 for number in orders[0]]
    for shard in range(5):  # a shard's clips lie within one group of `mixed` shards
        places = [place for place, visited in enumerate(visits) if visited == shard]
        assert places[-1] - places[0] < 5 * mixed


def collected(folder, workers=0, **settings):
    shards = Shards.open(folder, "train")
    dataset = ShardBatches(shards, **({"batch_size": 4, "steps": 15, "seed": 7, "mixed": 2} | settings))
    return list(DataLoader(dataset, batch_size=None, num_workers=workers))


def same(left, right):
    return len(left) == len(right) and all(
        torch.equal(a, b) for pair in zip(left, right, strict=True) for a, b in zip(*pair, strict=True)
    )


def test_batches_are_the_same_for_any_number_of_workers(folder):
    alone = collected(folder)
    assert len(alone) == 15 and alone[0][0].shape == (4, 3, 5, 16, 16) and alone[0][0].abs().max() <= 1
    assert same(alone, collected(folder, workers=2))


@pytest.mark.parametrize(("start", "workers"), [(1, 0), (6, 2), (14, 0), (15, 0)])
def test_resumed_in_mid_epoch_the_batches_go_on(folder, start, workers):
    assert same(collected(folder)[start:], collected(folder, workers, start_step=start))


def test_ranks_share_each_global_batch(folder):
    whole = collected(folder, batch_size=6)
    parts = [collected(folder, batch_size=2, ranks=3, rank=rank) for rank in range(3)]
    together = [[torch.cat(pieces) for pieces in zip(*step, strict=True)] for step in zip(*parts, strict=True)]
    assert same(whole, together)


def test_labels_belong_to_their_clips(folder):
    rows = {frames.tobytes(): row["label"] for frames, row in Sprites(DATA).clips("train")}
    for clips, labels in collected(folder, steps=6):
        pixels = ((clips + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 4, 1).contiguous().numpy()
        assert [rows[clip.tobytes()] for clip in pixels] == labels.tolist()


@pytest.mark.parametrize("settings", [{"rank": 2, "ranks": 2}, {"rank": -1}, {"batch_size": 0}, {"mixed": 0}])
def test_senseless_settings_are_refused(folder, settings):
    with pytest.raises(ValueError, match="expected"):
        collected(folder, **settings)


def cut(path):
    path.write_bytes(path.read_bytes()[:700])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "shards.json").unlink(), "shards.json does not exist"),
        (lambda path: (path / "shards.json").write_text('{"schema": 9}'), "schema 9, expected 1"),
        (lambda path: (path / "train" / "shard-000002.tar").unlink(), "shard-000002.tar is missing"),
        (lambda path: cut(path / "train" / "index.npy"), "index.npy is damaged"),
        (
            lambda path: np.save(path / "train" / "index.npy", np.zeros((2, 4), np.int64)),
            r"is int64 \(2, 4\), not int64 \(23, 4\)",
        ),
        (lambda path: np.save(path / "train" / "index.npy", np.array([{}]), allow_pickle=True), "index.npy is damaged"),
    ],
)
def test_damage_is_found_when_opened(copy, damage, message):
    damage(copy)
    with pytest.raises(InputError, match=message):
        Shards.open(copy, "train")


def test_a_cut_shard_is_found_when_read_and_a_changed_byte_by_verify(copy):
    path = copy / "train" / "shard-000001.tar"
    content = bytearray(path.read_bytes())
    content[600] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="shard-000001.tar does not match its sha256"):
        Shards.open(copy, "train").verify()
    cut(path)
    with pytest.raises(InputError, match="shard-000001.tar is damaged at clip 5"):
        Shards.open(copy, "train")[5]


def test_unknown_splits_clips_and_sizes_are_refused(folder, tmp_path):
    with pytest.raises(InputError, match="has no split 'dev', only train, val, test"):
        Shards.open(folder, "dev")
    with pytest.raises(IndexError, match="expected a clip number in 0..3, got 4"):
        Shards.open(folder, "test")[4]
    with pytest.raises(ValueError, match="clips_per_shard >= 1"):
        write_shards(DATA, tmp_path / "x", 0)
    assert not (tmp_path / "x").exists()


def test_files_are_sharded_with_their_losses(tmp_path, file_data, write_video, scene):
    for number in range(10):
        write_video(tmp_path / "set" / "a" / f"{number}.mkv", scene(5, 16, 16, seed=number))
    (tmp_path / "set" / "a" / "empty.avi").write_bytes(b"")
    said = write_shards(file_data("video_folder", tmp_path / "set", max_skipped=0.9), tmp_path / "out", 2)
    assert sum(said["skipped"].values()) == 1 and "a/empty.avi,empty" in (tmp_path / "out" / "skipped.csv").read_text()
    assert sum(len(Shards.open(tmp_path / "out", split)) for split in ("train", "val", "test")) == 10
