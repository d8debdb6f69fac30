"""Pictures as data URIs: the pixels themselves where they fit, else within the limit."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from sweettok.reporting.embedded import (
    CLIP_SIDE,
    FILM_BYTES,
    FRAME_BYTES,
    PICTURE_BYTES,
    embed_film,
    embed_frame,
    embed_picture,
    shrink_clips,
)


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_a_film_shows_every_frame_in_its_place():
    clips = np.random.default_rng(0).integers(0, 256, (2, 5, 24, 40, 3), dtype=np.uint8)
    film = embed_film(list(clips))
    with opened(film.uri) as image:
        sheet = np.asarray(image.convert("RGB"))
    assert sheet.shape == (2 * 24, 5 * 40, 3) == (film.height, film.width, 3)
    assert np.array_equal(sheet[24:, 3 * 40 : 4 * 40], clips[1, 3])


def test_a_film_too_long_for_a_picture_loses_its_end():
    film = embed_film([np.zeros((300, 64, 64, 3), dtype=np.uint8)])
    assert film.width == 255 * 64 and film.height == 64


def test_noise_is_cut_to_the_limit(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (300, 450, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    size = len(base64.b64decode(embed_picture(tmp_path / "noise.png").uri.partition(",")[2]))
    assert size <= PICTURE_BYTES < (tmp_path / "noise.png").stat().st_size
    film = embed_film([noise[:150].reshape(3, 150, 150, 3)])
    assert len(base64.b64decode(film.uri.partition(",")[2])) <= FILM_BYTES
    frame = embed_frame(noise[:64, :64])
    assert len(base64.b64decode(frame.uri.partition(",")[2])) <= FRAME_BYTES


def test_large_clips_become_means_of_blocks():
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 128, 128, 3), dtype=np.uint8)
    small = shrink_clips({"clips": clips, "labels": np.array([1, 2])})
    assert small["clips"].shape == (2, 3, CLIP_SIDE, CLIP_SIDE, 3)
    assert small["clips"][1, 2, 5, 7, 0] == round(float(clips[1, 2, 10:12, 14:16, 0].mean()))
    assert np.array_equal(small["labels"], [1, 2])
    same = clips[:, :, :32, :32]
    assert shrink_clips({"clips": same})["clips"] is same
