"""Images as frames: exact, upright, opaque; honest reasons."""

import numpy as np
import pytest
from PIL import Image

from sweettok.video.decode import Unreadable
from sweettok.video.images import read_image


@pytest.fixture
def picture(scene):
    return scene(1, 9, 14)[0]


@pytest.mark.parametrize("ending", [".png", ".bmp", ".PNG"])
def test_lossless_images_are_exact(tmp_path, picture, ending):
    Image.fromarray(picture).save(tmp_path / f"a{ending}")
    assert np.array_equal(read_image(tmp_path / f"a{ending}"), picture)


def test_grey_palette_and_cmyk_become_rgb(tmp_path, picture):
    image = Image.fromarray(picture)
    for mode, name in (("L", "a.png"), ("P", "b.png"), ("CMYK", "c.jpg"), ("1", "d.png"), ("I;16", "e.png")):
        (image.convert("L").convert("I;16") if mode == "I;16" else image.convert(mode)).save(tmp_path / name)
        assert read_image(tmp_path / name).shape == (9, 14, 3)
    assert np.array_equal(read_image(tmp_path / "a.png"), np.asarray(image.convert("L").convert("RGB")))


def test_transparency_is_composited_on_black(tmp_path, picture):
    layer = np.dstack([picture, np.full((9, 14), 128, np.uint8)])
    layer[0, 0, 3] = 0
    Image.fromarray(layer).save(tmp_path / "a.png")
    frame = read_image(tmp_path / "a.png")
    assert (frame[0, 0] == 0).all() and np.abs(frame[1:] - np.round(picture[1:] * (128 / 255))).max() <= 1


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, -1), (8, 1)])
def test_exif_orientation_is_applied(tmp_path, picture, orientation, turns):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.png"), np.rot90(picture, turns))


def test_damage_says_why(tmp_path, picture):
    Image.fromarray(np.tile(picture, (20, 20, 1))).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    files = {
        "cut.jpg": content[: len(content) // 2],
        "empty.jpg": b"",
        "text.png": b"not an image",
        "page.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "a.gif": content,
    }
    reasons = ["cannot be decoded .*truncated", "empty", "cannot be decoded", "cannot be decoded", "ending '.gif'"]
    for (name, data), reason in zip(files.items(), reasons, strict=True):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Unreadable, match=reason) as raised:
            read_image(tmp_path / name)
        assert "\n" not in str(raised.value)


def test_absurd_sizes_are_refused(tmp_path, picture, monkeypatch):
    Image.fromarray(picture).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    with pytest.raises(Unreadable, match="cannot be decoded .*decompression bomb"):
        read_image(tmp_path / "a.png")
