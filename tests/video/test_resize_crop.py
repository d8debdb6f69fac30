"""Resize and crop: exact without scaling, equal to resizing the whole frame, bounded for any shape."""

import numpy as np
import pytest
from PIL import Image

from sweettok.video.resize_crop import resize_crop


@pytest.fixture
def picture(scene):
    return lambda height, width: scene(1, height, width)[0]


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 31), (40, 16), (17, 99)])
@pytest.mark.parametrize("place", [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (0.3, 0.8)])
def test_without_scaling_a_crop_is_a_slice(picture, height, width, place):
    frame = picture(height, width)
    down, across = round((height - 12) * place[1]), round((width - 12) * place[0])
    crop = resize_crop(frame, min(height, width), 12, place)
    assert np.array_equal(crop, frame[down : down + 12, across : across + 12])


@pytest.mark.parametrize(("height", "width"), [(64, 96), (96, 64), (120, 160), (24, 36)])
def test_a_scaled_crop_is_a_slice_of_the_whole_frame_resized(picture, height, width):
    frame, shorter = picture(height, width), 32
    whole_size = tuple(round(side * shorter / min(height, width)) for side in (width, height))
    whole = np.asarray(Image.fromarray(frame).resize(whole_size, Image.Resampling.BICUBIC)).astype(int)
    down, across = (round((side - 24) / 2) for side in whole.shape[:2])
    crop = resize_crop(frame, shorter, 24).astype(int)
    assert np.abs(crop - whole[down : down + 24, across : across + 24]).max() <= 1


def test_fine_patterns_become_grey_not_aliased():
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[:, ::2] = 255
    assert np.abs(resize_crop(frame, 16, 16).astype(int)[:, 2:-2] - 127.5).max() < 8


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5000), (5000, 1), (2, 3)])
def test_any_shape_gives_a_square(height, width):
    frame = np.full((height, width, 3), 77, np.uint8)
    assert (resize_crop(frame, 64, 64) == np.full((64, 64, 3), 77)).all()


def test_a_crop_larger_than_the_frame_is_refused(picture):
    with pytest.raises(ValueError, match=r" 8 .* \d+$"):
        resize_crop(picture(16, 16), 8, 9)
