"""Seeds that replicate train on clips that the others have not seen, coded by the same proxy."""

import numpy as np
import pytest
from sprite_data import sprites_data

from stages.prepare_replication import write_replication
from sweettok.errors import InputError
from sweettok.params import FileData
from sweettok.training.curriculum import code_clips, save_proxy
from sweettok.training.replication import training_data
from sweettok.video.prepare import prepare

REPLICATING = (2, 3)


@pytest.fixture(autouse=True)
def _outputs(tmp_path, monkeypatch, proxy, stores):
    """A folder with outputs/data and outputs/proxy."""
    monkeypatch.chdir(tmp_path)
    prepare(sprites_data(two_objects=0.25), "outputs/data")
    save_proxy("outputs/proxy", proxy, {split: code_clips(proxy, stores[split]) for split in ("train", "val")}, [])


def clips_of(data):
    return {clip.tobytes() for clip in data.train.pixels(range(len(data.train))).numpy()}


def test_a_drawn_world_draws_as_many_clips_again(proxy):
    write_replication(sprites_data(two_objects=0.25), True)
    first, again = (training_data(seed, REPLICATING) for seed in (0, 2))
    assert len(first.train) == len(again.train) == 12 and not clips_of(first) & clips_of(again)
    assert np.array_equal(again.codes["train"], code_clips(proxy, again.train))
    assert np.array_equal(again.codes["val"], code_clips(proxy, again.val))
    assert first.fingerprint != again.fingerprint
    assert first.fingerprint == training_data(1, REPLICATING).fingerprint
    assert again.fingerprint == training_data(3, REPLICATING).fingerprint


def test_a_set_of_files_gives_each_set_of_seeds_one_half():
    files = FileData.model_construct()
    write_replication(files, True)
    first, again = (training_data(seed, REPLICATING) for seed in (0, 2))
    assert len(first.train) == len(again.train) == 6 and not clips_of(first) & clips_of(again)


def test_without_replication_all_seeds_have_all_clips():
    write_replication(sprites_data(two_objects=0.25), False)
    assert len(training_data(0, ()).train) == 12 and training_data(0, ()).fingerprint == training_data(1, ()).fingerprint


def test_a_missing_folder_is_named():
    with pytest.raises(InputError, match="outputs/replication"):
        training_data(0, ())
