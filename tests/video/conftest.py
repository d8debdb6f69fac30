"""Small video files, and where the real samples are."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from pydantic import TypeAdapter

from sweettok.params import AnyData

SHARED = Path(os.environ.get("SWEETTOK_SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")).resolve()


@pytest.fixture(scope="session")
def shared_data():
    """name -> folder of a real sample; the test is skipped where it is absent."""

    def folder(name):
        if not (SHARED / name).is_dir():
            pytest.skip(f"no real samples at {SHARED / name} (set SWEETTOK_SHARED_DATA)")
        return SHARED / name

    return folder


@pytest.fixture(scope="session")
def scene():
    """(frames, height, width, seed) -> uint8 (frames, height, width, 3): smooth, moving, every frame different."""

    def draw(frames, height=16, width=24, seed=0):
        rng = np.random.default_rng(seed)
        y, x, t = np.ogrid[:height, :width, :frames]
        waves = [
            np.sin(2 * np.pi * (a * x / width + b * y / height) + c * t + d)
            for a, b, c, d in rng.uniform([0.3, 0.3, 0.2, 0], [1.2, 1.2, 0.9, 6], (3, 4))
        ]
        return (127.5 + 120 * np.stack(waves, axis=-1)).astype(np.uint8).transpose(2, 0, 1, 3)

    return draw


@pytest.fixture(scope="session")
def write_video():
    """Encode frames: lossless in .mkv (FFV1) and .avi (raw) unless a codec is given. times: in units of 1 / rate."""

    def write(path, frames, codec=None, pixels=None, kind="rgb24", times=None, rate=25, options=None):
        lossless = {".mkv": ("ffv1", "bgr0"), ".avi": ("rawvideo", "bgr24")}
        codec, pixels = codec or lossless[path.suffix][0], pixels or lossless[path.suffix][1]
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(path, "w") as container:
            stream = container.add_stream(codec, rate=rate, options=options or {})
            stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pixels
            stream.codec_context.time_base = Fraction(1, rate)
            for number, pixel in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixel), format=kind)
                frame.pts = times[number] if times else number
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


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
