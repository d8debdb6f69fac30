"""Params of sets of files."""

import pytest
from pydantic import TypeAdapter

from sweettok.params import AnyData


@pytest.fixture(scope="session")
def file_data():
    """Params of a set of files: name and root, and what differs from one clip of 5 frames, 16 x 16, per file."""
    video = {"frames": 5, "windows": {"stride": 1, "every": None, "start": "first"}}
    own = {
        "video_folder": video | {"split": {"by": "random", "val": 0.2, "test": 0.2}},
        "ucf101": video | {"split_list": 1, "val_groups": [8]},
        "kinetics": video | {"lists": {"train": "train.csv", "val": "val.csv", "test": "test.csv"}},
        "image_folder": {"frames": 1, "split": {"by": "random", "val": 0.2, "test": 0.2}},
        "imagenet": {"frames": 1, "split": {"by": "random", "val": 0.2, "test": 0.2}, "class_names": None},
    }
    shared = {
        "clips": {"train": None, "val": None, "test": None}, "size": 16, "seed": 0, "clips_per_shard": None,
        "shorter_side": None, "crop": "centre", "captions": None, "max_skipped": 0.0,
    }  # fmt: skip

    def make(name, root, **changes):
        return TypeAdapter(AnyData).validate_python({"name": name, "root": str(root)} | shared | own[name] | changes)

    return make
