"""Images as frames: exact, upright, opaque, whatever their depth; animations whole; honest reasons."""

import struct
import zlib
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from sweettok.video import images
from sweettok.video.formats import Unreadable
from sweettok.video.images import image_index, read_image, read_images


@pytest.fixture
def picture(scene):
    return scene(1, 9, 14)[0]


@pytest.mark.parametrize("ending", [".png", ".bmp", ".PNG"])
def test_lossless_images_are_exact(tmp_path, picture, ending):
    Image.fromarray(picture).save(tmp_path / f"a{ending}")
    assert np.array_equal(read_image(tmp_path / f"a{ending}"), picture)


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_grey_and_palettes_become_rgb(tmp_path, picture, mode):
    image = Image.fromarray(picture).convert(mode)
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png"), np.asarray(image.convert("RGB")))


def test_cmyk_becomes_rgb(tmp_path):
    flat = Image.new("RGB", (16, 16), (200, 120, 40))
    flat.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - (200, 120, 40)).max() <= 3


def save_16_bit(path, values, pixels):
    """Write uint16 values (h, w) or (h, w, channels) as a PNG of an FFmpeg pixel format, with no part of Pillow."""
    with av.open(path, "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.height, stream.width, stream.pix_fmt = *values.shape[:2], pixels
        container.mux(stream.encode(av.VideoFrame.from_ndarray(values.astype(np.uint16), format=pixels)))
        container.mux(stream.encode())


def test_16_bits_are_scaled_not_clipped(tmp_path):
    grey = np.linspace(0, 65535, 9 * 14).round().reshape(9, 14)
    save_16_bit(tmp_path / "grey.png", grey, "gray16be")
    assert np.array_equal(read_image(tmp_path / "grey.png")[..., 1], np.round(grey / 257))
    colour = np.random.default_rng(0).integers(0, 65536, (9, 14, 3))
    save_16_bit(tmp_path / "colour.png", colour, "rgb48be")
    assert np.abs(read_image(tmp_path / "colour.png") - colour / 257).max() <= 1
    save_16_bit(tmp_path / "layer.png", np.dstack([colour, np.full((9, 14), 32768)]), "rgba64be")
    assert np.abs(read_image(tmp_path / "layer.png") - colour / 514).max() <= 2


def test_values_without_a_range_are_refused():
    for mode in ("I", "F"):
        with pytest.raises(ValueError, match=f"mode {mode}"):
            images._rgb(Image.new(mode, (4, 4)))


def test_transparency_is_composited_on_black(tmp_path, picture):
    layer = np.dstack([picture, np.full((9, 14), 128, np.uint8)])
    layer[0, 0, 3] = 0
    Image.fromarray(layer).save(tmp_path / "a.png")
    frame = read_image(tmp_path / "a.png")
    assert (frame[0, 0] == 0).all() and np.abs(frame[1:] - np.round(picture[1:] * (128 / 255))).max() <= 1


@pytest.mark.parametrize("mode", ["LA", "P", "L", "I;16"])
def test_a_transparent_colour_becomes_black(tmp_path, mode):
    grey = np.tile(np.arange(0, 240, 20, dtype=np.uint8), (4, 1))
    image, clear = Image.fromarray(grey), {"transparency": 100}
    if mode == "LA":
        image.putalpha(Image.fromarray(np.where(grey == 100, 0, 255).astype(np.uint8)))
    elif mode == "P":
        image = Image.fromarray(grey, "P")
        image.putpalette([value for level in range(256) for value in (level, level, level)])
    elif mode == "I;16":
        image, clear = Image.fromarray(grey.astype(np.uint16) * 257), {"transparency": 100 * 257}
    image.save(tmp_path / "a.png", **({} if mode == "LA" else clear))
    assert np.array_equal(read_image(tmp_path / "a.png")[..., 0], np.where(grey == 100, 0, grey))


def save_png(path, depth, colour_type, pixels, transparent):
    """Write a row of pixels as the bits of a PNG, without an encoder's ideas of depth. transparent: 16 bits a sample."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    bits = "".join(f"{sample:0{depth}b}" for sample in np.asarray(pixels).ravel())
    length = -(-len(bits) // 8)
    row = int(bits.ljust(8 * length, "0"), 2).to_bytes(length)
    header = struct.pack(">IIBBBBB", len(pixels), 1, depth, colour_type, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b""))


@pytest.mark.parametrize("depth, unused", [(1, 0), (2, 0), (2, 4), (4, 0), (4, 0xF0), (8, 0), (8, 0x100), (16, 0)])
def test_a_transparent_grey_counts_in_the_file_s_depth(tmp_path, depth, unused):
    """unused: bits of the key that the depth lacks; they do not count."""
    highest = 2**depth - 1
    grey = sorted({0, 1, highest // 2, highest - 1, highest})
    for key in grey:
        save_png(tmp_path / "a.png", depth, 0, grey, [key | unused])
        expected = [0 if value == key else round(value * 255 / highest) for value in grey]
        assert read_image(tmp_path / "a.png")[0, :, 1].tolist() == expected


def test_a_transparent_rgb_of_8_bits_is_exact_and_one_of_16_is_refused(tmp_path):
    colours = [(9, 8, 7), (200, 200, 200), (200, 200, 201)]
    save_png(tmp_path / "a.png", 8, 2, colours, [200, 200, 0x1C8])
    assert read_image(tmp_path / "a.png")[0].tolist() == [[9, 8, 7], [0, 0, 0], [200, 200, 201]]
    save_png(tmp_path / "a.png", 16, 2, [(200, 200, 200), (51_400, 51_400, 51_400)], [200, 200, 200])
    with pytest.raises(Unreadable, match="transparent colour .*16 bits.*alpha"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["RGB", "I;16"])
@pytest.mark.parametrize(
    ("orientation", "shown"),
    [
        (1, lambda pixels: pixels),
        (2, np.fliplr),
        (3, lambda pixels: np.rot90(pixels, 2)),
        (4, np.flipud),
        (5, lambda pixels: pixels.swapaxes(0, 1)),
        (6, lambda pixels: np.rot90(pixels, -1)),
        (7, lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1)),
        (8, np.rot90),
    ],
)
def test_exif_orientation_is_applied(tmp_path, picture, orientation, shown, mode):
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain = picture if mode == "RGB" else picture[..., 0].astype(np.uint16) * 257
    Image.fromarray(plain).save(tmp_path / "a.png", exif=exif)
    expected = shown(picture if mode == "RGB" else np.repeat(picture[..., :1], 3, axis=-1))
    assert np.array_equal(read_image(tmp_path / "a.png"), expected)


def save_animation(path, frames, **options):
    first, *rest = map(Image.fromarray, frames)
    lossless = {"lossless": True} if path.suffix == ".webp" else {}
    first.save(path, save_all=True, append_images=rest, **({"duration": 40} | lossless | options))


@pytest.mark.parametrize("ending", [".png", ".webp", ".apng"])
def test_animations_have_all_frames(tmp_path, scene, ending):
    frames = scene(6)
    path = tmp_path / f"a{ending}"
    save_animation(path, frames, **({"format": "PNG"} if ending == ".apng" else {}))
    index = image_index(path)
    assert (index.frames, index.rate, index.even) == (6, Fraction(25), True)
    assert np.array_equal(read_images(path, 0, 6, lambda frame: frame), frames)
    assert np.array_equal(read_images(path, 3, 2, lambda frame: frame[:4]), frames[3:5, :4])
    with pytest.raises(Unreadable, match="6 frames, frame 6 "):
        read_images(path, 5, 2, lambda frame: frame)
    with pytest.raises(Unreadable, match="animation"):
        read_image(path)


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_an_animation_s_uneven_times_are_noticed(tmp_path, scene, ending):
    save_animation(tmp_path / f"a{ending}", scene(4), duration=[40, 40, 120, 40])
    index = image_index(tmp_path / f"a{ending}")
    assert not index.even and index.rate == Fraction(50, 3)


def test_the_picture_for_readers_without_animations_is_no_frame(tmp_path, scene):
    frames = scene(4)
    save_animation(tmp_path / "a.png", frames, default_image=True)
    assert image_index(tmp_path / "a.png").frames == 3
    assert np.array_equal(read_images(tmp_path / "a.png", 0, 3, lambda frame: frame), frames[1:])


def test_a_photograph_with_a_second_picture_is_one_image(tmp_path, picture):
    other = Image.fromarray(255 - picture)
    Image.fromarray(picture).save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[other], quality=95)
    assert image_index(tmp_path / "a.jpg").frames == 1
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - picture).mean() < 20


@pytest.mark.parametrize("ending", [".png", ".webp", ".jpg", ".bmp"])
def test_cut_images_are_refused(tmp_path, scene, ending):
    frames = scene(5, 64, 96)
    if ending in (".png", ".webp"):
        save_animation(tmp_path / f"a{ending}", frames)
    else:
        Image.fromarray(frames[0]).save(tmp_path / f"a{ending}")
    content = (tmp_path / f"a{ending}").read_bytes()
    for share in np.linspace(0.05, 0.95, 19):
        (tmp_path / f"a{ending}").write_bytes(content[: int(len(content) * share)])
        with pytest.raises(Unreadable, match="truncated|decoded"):
            image_index(tmp_path / f"a{ending}")


def test_damage_says_why(tmp_path, picture):
    Image.fromarray(np.tile(picture, (20, 20, 1))).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    files = {
        "cut.jpg": content[: len(content) // 2],
        "empty.jpg": b"",
        "text.png": b"not an image",
        "page.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "a.tiff": content,
    }
    reasons = ["truncated", "empty", "decoded", "decoded", r"\.tiff"]
    for (name, data), reason in zip(files.items(), reasons, strict=True):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Unreadable, match=reason) as raised:
            read_image(tmp_path / name)
        assert "\n" not in str(raised.value)


def test_absurd_sizes_are_refused(tmp_path, picture, monkeypatch):
    Image.fromarray(picture).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    with pytest.raises(Unreadable, match="decoded .*decompression bomb"):
        read_image(tmp_path / "a.png")
