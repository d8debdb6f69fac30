"""High dynamic range: what is 18 % grey, white or a colour in the film is so in 8 bits."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorTrc

from sweettok.video import high_dynamic_range
from sweettok.video.decode import read_window
from sweettok.video.formats import Unreadable

BT709_TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])  # BT.2087
each = pytest.mark.parametrize("curve", [ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67])


def pq(light):
    """cd/m2 -> signal (SMPTE ST 2084)."""
    y = (light / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def hlg(light):
    """cd/m2 on a display of 1000 -> signal (BT.2100)."""
    luminance = np.maximum(light @ [0.2627, 0.6780, 0.0593], 1e-9)[..., None] / 1000
    scene = light / 1000 * luminance ** (1 / 1.2 - 1)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def limited_10_bits(signal):
    """RGB in [0, 1], (h, w, 3) -> codes of Y, Cb and Cr, uint16 (3, h, w) (BT.2020, tables 4 and 5)."""
    red, _, blue = np.moveaxis(signal, -1, 0)
    luma = signal @ [0.2627, 0.6780, 0.0593]
    codes = 64 + 876 * luma, 512 + 896 * (blue - luma) / 1.8814, 512 + 896 * (red - luma) / 1.4746
    return np.round(codes).astype(np.uint16)


@pytest.fixture
def film(tmp_path):
    """(light (h, w, 3) of BT.2020, curve) -> a 10-bit film of it."""

    def write(light, curve, primaries=9):
        signal = {ColorTrc.SMPTE2084: pq, ColorTrc.ARIB_STD_B67: hlg}.get(curve, lambda light: light / 1000)(light)
        frame = av.VideoFrame(light.shape[1], light.shape[0], "yuv444p10le")
        for plane, codes in zip(frame.planes, limited_10_bits(signal.clip(0, 1)), strict=True):
            rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
            rows[:, : plane.width] = codes
            plane.update(rows.tobytes())
        with av.open(tmp_path / "film.mkv", "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.height, stream.width, stream.pix_fmt = *light.shape[:2], "yuv444p10le"
            context = stream.codec_context
            context.color_trc, context.color_primaries, context.colorspace, context.color_range = curve, primaries, 9, 1
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return tmp_path / "film.mkv"

    return write


@each
@pytest.mark.parametrize(("share", "shown"), [(0, 0), (0.18, 118), (0.5, 188), (1, 255), (4, 255)])
def test_greys_are_those_of_srgb(film, curve, share, shown):
    path = film(np.full((16, 16, 3), 203.0 * share), curve)
    assert np.abs(read_window(path, 0, 1, 1).astype(int) - shown).max() <= 1


@each
def test_colours_are_those_of_bt709(film, curve):
    linear = np.array([0.6, 0.2, 0.1])
    path = film(np.broadcast_to(203 * BT709_TO_BT2020 @ linear, (16, 16, 3)), curve)
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(read_window(path, 0, 1, 1) - expected).max() <= 2


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv444p10le", "gbrp10le", "gbrp16le"])
@pytest.mark.parametrize("limited", [True, False])
def test_the_highest_signal_is_the_brightest_light(pixels, limited):
    """The code of a signal of 1 in each range, which is 10,000 cd/m2; and no value is above it."""
    bits, is_rgb = int(pixels[-4:-2]), pixels.startswith("gbr")
    frame = av.VideoFrame(32, 32, pixels)
    frame.color_range, frame.colorspace = 1 if limited else 2, 0 if is_rgb else 9
    frame.color_trc, frame.color_primaries = ColorTrc.SMPTE2084, 9
    top = 235 << (bits - 8) if limited and not is_rgb else 2**bits - 1
    for number, plane in enumerate(frame.planes):
        code = top if number == 0 or is_rgb else 1 << (bits - 1)
        plane.update(np.full(plane.buffer_size // 2, code, np.uint16).tobytes())
    light = high_dynamic_range._light(frame.color_trc, high_dynamic_range._white(frame))
    assert np.allclose(light[frame.to_ndarray(format="gbrp16le")], 10_000 / 203, rtol=5e-3)
    assert light.max() == light[-1] == np.float32(10_000 / 203)


def test_what_has_no_rule_is_refused(film):
    light = np.full((16, 16, 3), 100.0)
    with pytest.raises(Unreadable, match="linear light"):
        read_window(film(light, ColorTrc.LINEAR), 0, 1, 1)
    with pytest.raises(Unreadable, match="primaries SMPTE432"):
        read_window(film(light, ColorTrc.SMPTE2084, primaries=12), 0, 1, 1)


def test_ordinary_10_bit_film_is_as_its_values_say(film):
    path = film(np.full((16, 16, 3), 500.0), ColorTrc.BT2020_10)
    assert np.abs(read_window(path, 0, 1, 1).astype(int) - 128).max() <= 1
