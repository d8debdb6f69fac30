"""Batches of a store, array or shards: the same by any number of workers and ranks, from any step on."""

import pytest
import torch
from sprite_data import sprites_data
from torch.utils.data import DataLoader

from sweettok.video.loading import ClipBatches
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore, batches, to_uint8

DATA = sprites_data(clips=(23, 1, 1), frames=5, motions=4, seed=3, two_objects=0.5)


@pytest.fixture(scope="module", params=[None, 2], ids=["array", "shards"])
def store(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "data"
    prepare(DATA.model_copy(update={"clips_per_shard": request.param}), folder)
    return ClipStore.open(folder, "train")


def collected(store, workers=0, context=None, **settings):
    dataset = ClipBatches(store, **({"batch_size": 4, "steps": 15, "seed": 7} | settings))
    return list(DataLoader(dataset, batch_size=None, num_workers=workers, multiprocessing_context=context))


def same(left, right):
    return len(left) == len(right) and all(
        torch.equal(a, b) for pair in zip(left, right, strict=True) for a, b in zip(*pair, strict=True)
    )


def test_they_are_the_clips_that_a_training_reads(store):
    alone = collected(store)
    assert len(alone) == 15 and alone[0][0].shape == (4, 3, 5, 16, 16) and alone[0][0].abs().max() <= 1
    indices = batches(store, 4, 15, seed=7)
    assert all(torch.equal(clips, store.clips(rows)) for (clips, _), rows in zip(alone, indices, strict=True))


@pytest.mark.parametrize("context", ["forkserver", "spawn"])
def test_batches_are_the_same_for_any_number_of_workers(store, context):
    assert same(collected(store), collected(store, 2, context))


@pytest.mark.parametrize(("start", "workers"), [(1, 0), (6, 2), (14, 0), (15, 0)])
def test_resumed_in_mid_epoch_the_batches_go_on(store, start, workers):
    assert same(
        collected(store)[start:], collected(store, workers, "forkserver" if workers else None, start_step=start)
    )


def test_ranks_share_each_global_batch(store):
    whole = collected(store, batch_size=6)
    parts = [collected(store, batch_size=2, ranks=3, rank=rank) for rank in range(3)]
    together = [[torch.cat(pieces) for pieces in zip(*step, strict=True)] for step in zip(*parts, strict=True)]
    assert same(whole, together)


def test_labels_belong_to_their_clips(store):
    pixels = to_uint8(store.clips(range(len(store))))
    labels = {clip.tobytes(): label for clip, label in zip(pixels, store.labels["label"], strict=True)}
    for clips, found in collected(store, steps=6):
        assert [labels[clip.tobytes()] for clip in to_uint8(clips)] == found.tolist()


@pytest.mark.parametrize("settings", [{"rank": 2, "ranks": 2}, {"rank": -1}, {"ranks": 0}, {"batch_size": 0}])
def test_senseless_settings_are_refused(store, settings):
    with pytest.raises(ValueError, match="rank|batch_size"):
        collected(store, **settings)
