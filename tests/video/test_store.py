"""The clip store: exact conversion, honest errors, and a batch order that survives a resume."""

import pickle

import numpy as np
import pytest
import torch
from sprite_data import sprites_data

from sweettok.errors import InputError
from sweettok.storage import read_sealed, write_sealed
from sweettok.video.prepare import prepare
from sweettok.video.sprites import draw_sprite
from sweettok.video.store import ClipStore, batches, to_float, to_uint8

DATA = sprites_data(clips=(12, 5, 4), frames=5, motions=4, seed=3, two_objects=0.5)


@pytest.fixture
def folder(tmp_path):
    prepare(DATA, tmp_path / "data")
    return tmp_path / "data"


def edit_json(folder, change):
    path = folder / "store.json"
    content = read_sealed(path)
    change(content)
    write_sealed(path, content)


def test_conversion_round_trips_every_byte_value():
    frames = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 1, 16, 16, 3)
    clip = to_float(frames)
    assert clip.shape == (1, 3, 1, 16, 16) and clip.dtype == torch.float32
    assert clip.min() == -1 and clip.max() == 1
    assert np.array_equal(to_uint8(clip), frames)


def test_to_uint8_clips_and_takes_half_precision():
    clip = torch.tensor([-7.0, 0.0, 7.0]).reshape(1, 3, 1, 1, 1).bfloat16()
    assert to_uint8(clip).ravel().tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    "clip", [torch.zeros(3, 1, 4, 4), torch.zeros(1, 4, 1, 4, 4), torch.zeros(1, 3, 1, 4, 4).int()]
)
def test_to_uint8_refuses_other_shapes_and_dtypes(clip):
    with pytest.raises(ValueError, match=r"float .*\(B, 3, T, H, W\), "):
        to_uint8(clip)


def test_to_uint8_refuses_nan():
    with pytest.raises(ValueError, match="finite"):
        to_uint8(torch.full((1, 3, 1, 4, 4), float("nan")))


def test_to_float_refuses_float_frames():
    with pytest.raises(ValueError, match=r"uint8 .*\(B, T, H, W, 3\), .*float64"):
        to_float(np.zeros((1, 1, 4, 4, 3)))


def test_clips_are_what_was_drawn(folder):
    store = ClipStore.open(folder, "val")
    assert len(store) == 5 and store.frames == 5 and store.size == 16
    clips = store.clips([4, 1])
    for clip, index in zip(clips, (4, 1), strict=True):
        drawn = draw_sprite(DATA, "val", index)
        reference = drawn.frames.transpose(3, 0, 1, 2) / 127.5 - 1
        assert np.allclose(clip.numpy(), reference, atol=1e-6)
        assert store.captions[index] == drawn.caption
        assert store.classes[store.labels["label"][index]] == store.labels["class"][index] == drawn.factors["motion"]
        assert all(store.labels[f"factor:{key}"][index] == value for key, value in drawn.factors.items())


def test_indices_may_be_tensor_array_or_list(folder):
    store = ClipStore.open(folder, "train")
    expected = store.clips([0, 3])
    assert torch.equal(store.clips(torch.tensor([0, 3])), expected)
    assert torch.equal(store.clips(np.array([0, 3])), expected)
    assert store.clips([]).shape == (0, 3, 5, 16, 16)


@pytest.mark.parametrize("indices", [[12], [-1], [[0, 1]], [0.5]])
def test_bad_indices_are_refused(folder, indices):
    with pytest.raises(ValueError, match="clip numbers"):
        ClipStore.open(folder, "train").clips(indices)


def test_images_are_frames_of_their_clips_and_follow_the_generator(folder):
    store = ClipStore.open(folder, "train")
    indices = list(range(12))
    images = store.images(indices, torch.Generator().manual_seed(0))
    clips = store.clips(indices)
    assert images.shape == (12, 3, 1, 16, 16)
    matches = (clips - images).abs().amax(dim=(1, 3, 4)) == 0  # (12, T)
    assert matches.any(dim=1).all()
    assert matches.float().argmax(dim=1).unique().numel() > 1
    assert torch.equal(images, store.images(indices, torch.Generator().manual_seed(0)))
    assert not torch.equal(images, store.images(indices, torch.Generator().manual_seed(1)))


def test_expect_names_both_shapes(folder):
    store = ClipStore.open(folder, "test")
    assert store.expect(frames=5, size=16, by="the tokenizer") is store
    with pytest.raises(InputError, match="5x16x16 .*the tokenizer .*17x32x32; .*dvc repro"):
        store.expect(frames=17, size=32, by="the tokenizer")


def test_verify_finds_a_changed_byte(folder):
    store = ClipStore.open(folder, "val")
    store.verify()
    path = folder / "val" / "clips.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"clips\.npy .*sha256"):
        ClipStore.open(folder, "val").verify()


def test_fingerprint_tells_splits_and_worlds_apart(folder, tmp_path):
    prepare(DATA, tmp_path / "same")
    prepare(DATA.model_copy(update={"seed": 4}), tmp_path / "other")
    prints = {ClipStore.open(folder, split).fingerprint for split in ("train", "val", "test")}
    assert len(prints) == 3 and all(len(value) == 64 for value in prints)
    assert ClipStore.open(tmp_path / "same", "train").fingerprint == ClipStore.open(folder, "train").fingerprint
    assert ClipStore.open(tmp_path / "other", "train").fingerprint not in prints


@pytest.mark.parametrize("clips_per_shard", [None, 5])
def test_shares_are_disjoint_and_make_up_the_store(tmp_path, clips_per_shard):
    prepare(DATA.model_copy(update={"clips_per_shard": clips_per_shard}), tmp_path / "data")
    whole = ClipStore.open(tmp_path / "data", "train")
    shares = [whole.share(number, 3) for number in range(3)]
    assert [len(share) for share in shares] == [4, 4, 4] and len(whole) == 12
    for number, share in enumerate(shares):
        theirs = list(range(number, 12, 3))
        assert torch.equal(share.clips(range(4)), whole.clips(theirs))
        assert share.labels.equals(whole.labels.iloc[theirs].reset_index(drop=True))
        assert sorted(share.order(seed=1, epoch=2)) == list(range(4))
        there = pickle.loads(pickle.dumps(share))
        assert there.fingerprint == share.fingerprint and torch.equal(there.clips([3]), share.clips([3]))
    assert len({store.fingerprint for store in (whole, *shares)}) == 4
    with pytest.raises(ValueError, match="of a whole store"):
        shares[0].share(0, 2)
    with pytest.raises(ValueError, match="got 3"):
        whole.share(3, 3)
    with pytest.raises(ValueError, match="got 4"):
        shares[0].clips([4])


def test_clips_are_memory_mapped_and_read_only(folder):
    frames = ClipStore.open(folder, "train")._frames
    assert isinstance(frames, np.memmap) and not frames.flags.writeable


def truncate(folder):
    path = folder / "train" / "clips.npy"
    path.write_bytes(path.read_bytes()[:-100])


def empty(folder):
    (folder / "train" / "clips.npy").write_bytes(b"")


def pickled(folder):
    np.save(folder / "train" / "clips.npy", np.array([{}, []], dtype=object), allow_pickle=True)


def other_shape(folder):
    np.save(folder / "train" / "clips.npy", np.zeros((12, 5, 8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, r"clips\.npy .*damaged"),
        (empty, r"clips\.npy .*damaged"),
        (pickled, r"clips\.npy .*damaged"),
        (other_shape, r"\(12, 5, 8, 8, 3\) .*store\.json .*\(12, 5, 16, 16, 3\)"),
        (lambda folder: (folder / "train" / "labels.csv").unlink(), r"labels\.csv .*missing"),
        (lambda folder: (folder / "train" / "clips.npy").unlink(), r"clips\.npy .*missing"),
        (lambda folder: (folder / "store.json").unlink(), r"store\.json .*exist"),
        (lambda folder: (folder / "store.json").write_text("{"), r"store\.json .*JSON"),
        (lambda folder: (folder / "store.json").write_text("[]"), "schema None, .*3"),
        (lambda folder: edit_json(folder, lambda content: content.update(schema=99)), "schema 99, .*3"),
        (
            lambda folder: edit_json(folder, lambda content: content["splits"].pop("train")),
            "'train', .*val",
        ),
    ],
)
def test_damaged_stores_are_refused_in_one_line(folder, damage, message):
    damage(folder)
    with pytest.raises(InputError, match=message) as raised:
        ClipStore.open(folder, "train")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "clip,class,label\n", "clip,class,label,caption\na,b,0,c\n"])
def test_damaged_labels_are_refused(folder, text):
    (folder / "train" / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=r"labels\.csv .*sha256"):
        ClipStore.open(folder, "train").labels  # noqa: B018


@pytest.mark.parametrize("batch_size", [1, 3, 4, 10, 23])
def test_batches_visit_every_clip_once_an_epoch(batch_size):
    steps = 40
    row = torch.cat(list(batches(range(10), batch_size, steps, seed=5)))
    assert row.dtype == torch.int64 and len(row) == steps * batch_size
    epochs = row[: len(row) // 10 * 10].reshape(-1, 10)
    assert torch.equal(epochs.sort(dim=1).values, torch.arange(10).expand_as(epochs))
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == len(epochs)  # shuffled anew each time


@pytest.mark.parametrize("start", [0, 1, 7, 19, 20])
def test_resumed_batches_continue_identically(start):
    whole = list(batches(range(7), 3, 20, seed=1))
    rest = list(batches(range(7), 3, 20, seed=1, start_step=start))
    assert len(rest) == 20 - start
    assert all(torch.equal(a, b) for a, b in zip(whole[start:], rest, strict=True))


def test_batches_depend_on_the_seed():
    first, second = (torch.cat(list(batches(range(50), 5, 10, seed=seed))) for seed in (0, 1))
    assert not torch.equal(first, second)


def test_batches_of_nothing_are_refused():
    with pytest.raises(ValueError, match="empty"):
        next(batches([], 4, 1, seed=0))
