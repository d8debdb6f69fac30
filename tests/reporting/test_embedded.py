"""Pictures as data URIs: the pixels themselves where they fit, else within the limit."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from sweettok.reporting.embedded import CLIP_BYTES, CLIP_SIDE, PICTURE_BYTES, embed_clip, embed_picture, shrink_clips


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_a_small_clip_keeps_every_pixel():
    frames = list(np.random.default_rng(0).integers(0, 256, (5, 24, 40, 3), dtype=np.uint8))
    clip = embed_clip(frames)
    with opened(clip.uri) as image:
        shown = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
        assert image.info["loop"] == 0  # for ever
    assert np.array_equal(shown, frames)
    with opened(clip.still) as still:
        assert np.array_equal(np.asarray(still.convert("RGB")), frames[0])
    assert (clip.width, clip.height) == (40, 24)


def test_noise_is_cut_to_the_limit(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (300, 450, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    size = len(base64.b64decode(embed_picture(tmp_path / "noise.png").uri.partition(",")[2]))
    assert size <= PICTURE_BYTES < (tmp_path / "noise.png").stat().st_size
    clip = embed_clip([noise[:150, :150]] + [noise[150:, 150:300], noise[:150, 300:]])
    assert len(base64.b64decode(clip.uri.partition(",")[2])) <= CLIP_BYTES


def test_large_clips_become_means_of_blocks():
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 128, 128, 3), dtype=np.uint8)
    small = shrink_clips({"clips": clips, "labels": np.array([1, 2])})
    assert small["clips"].shape == (2, 3, CLIP_SIDE, CLIP_SIDE, 3)
    assert small["clips"][1, 2, 5, 7, 0] == round(float(clips[1, 2, 10:12, 14:16, 0].mean()))
    assert np.array_equal(small["labels"], [1, 2])
    same = clips[:, :, :32, :32]
    assert shrink_clips({"clips": same})["clips"] is same
