"""Cut images are refused, whatever their decoder makes of them; whole ones are read."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sweettok.video.formats import Unreadable
from sweettok.video.images import read_image, read_images


def saved(form, pixels, **options):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, form, **options)
    return content.getvalue()


@pytest.fixture
def pixels(scene):
    return scene(1, 40, 56)[0]


FORMS = {
    "png": {},
    "jpeg": {"quality": 90},
    "webp": {"lossless": True},
    "bmp": {},
    "progressive.jpeg": {"progressive": True},
    "marked.jpeg": {"restart_marker_blocks": 2},
}


@pytest.fixture(params=FORMS)
def form(request, pixels):
    """(ending, content of a whole file)"""
    ending = request.param.rpartition(".")[2]
    return ending, saved(ending, pixels, **FORMS[request.param])


def test_whole_images_are_read(tmp_path, form, pixels):
    ending, content = form
    (tmp_path / f"a.{ending}").write_bytes(content + b"more, as some cameras add")
    assert read_image(tmp_path / f"a.{ending}").shape == pixels.shape


@pytest.mark.parametrize("lost", [1, 2, 3, 8, 0.05, 0.3, 0.7])
def test_cut_images_are_refused(tmp_path, form, lost):
    ending, content = form
    left = len(content) - (lost if isinstance(lost, int) else int(lost * len(content)))
    (tmp_path / f"a.{ending}").write_bytes(content[:left])
    with pytest.raises(Unreadable, match="truncated|decoded"):
        read_image(tmp_path / f"a.{ending}")


def test_a_tiny_16_bit_png_needs_its_end_mark(tmp_path):
    values = np.arange(16, dtype=np.uint16).reshape(4, 4) * 4000
    content = saved("png", values)
    for left in (int(0.95 * len(content)), len(content) - 12, len(content) - 4):
        (tmp_path / "a.png").write_bytes(content[:left])
        with pytest.raises(Unreadable, match="truncated"):
            read_image(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(content[:-1] + b"\0")
    with pytest.raises(Unreadable, match="checksum"):
        read_image(tmp_path / "a.png")


def test_damage_is_named_where_no_pixel_is(tmp_path, pixels):
    content = saved("png", pixels)
    text = b"tEXtComment\0here"
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text) ^ 1)
    (tmp_path / "a.png").write_bytes(content[:33] + chunk + content[33:])
    with pytest.raises(Unreadable, match="bytes 33 and .*checksum"):
        read_image(tmp_path / "a.png")


def scans(content):
    """Where each scan of a JPEG begins."""
    at, found = 2, []
    while content[at + 1] != 0xD9:
        if content[at + 1] == 0xDA:
            found.append(at)
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
        while found and at > found[-1] and not (content[at] == 0xFF and content[at + 1] not in (0, *range(0xD0, 0xD8))):
            at += 1
    return found


def test_a_progressive_jpeg_needs_all_its_scans(tmp_path, pixels):
    content = saved("jpeg", pixels, progressive=True)
    assert len(scans(content)) > 5
    for start in scans(content)[1:]:
        (tmp_path / "a.jpg").write_bytes(content[:start] + b"\xff\xd9")
        with pytest.raises(Unreadable, match="scans"):
            read_image(tmp_path / "a.jpg")


def test_grey_and_cmyk_jpegs_are_whole(tmp_path, pixels):
    for mode in ("L", "CMYK"):
        for progressive in (False, True):
            Image.fromarray(pixels).convert(mode).save(tmp_path / "a.jpg", progressive=progressive)
            assert read_image(tmp_path / "a.jpg").shape == pixels.shape


def test_an_animated_png_is_whole(tmp_path, scene):
    frames = scene(5, 20, 24)
    first, *rest = map(Image.fromarray, frames)
    first.save(tmp_path / "a.png", save_all=True, append_images=rest, duration=40)
    assert np.array_equal(read_images(tmp_path / "a.png", 0, 5, lambda frame: frame), frames)
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[:-12])
    with pytest.raises(Unreadable, match="truncated"):
        read_images(tmp_path / "a.png", 0, 5, lambda frame: frame)
