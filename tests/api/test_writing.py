"""Frames as files: lossless where it is promised, near enough elsewhere, nothing half-written."""

from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from sweettok.api.frames import open_frames
from sweettok.api.writing import ENDINGS, write_frames
from sweettok.errors import InputError


def pictures(path):
    """Frames of a .gif or .png as Pillow sees them, and their times in ms."""
    with Image.open(path) as image:
        shown = [
            (np.array(frame.convert("RGB")), frame.info.get("duration")) for frame in ImageSequence.Iterator(image)
        ]
    return np.stack([frame for frame, _ in shown]), [time for _, time in shown]


@pytest.fixture(scope="module")
def frames(scene):
    return scene(7, 16, 24)


def test_mkv_is_lossless_with_its_rate(frames, tmp_path):
    write_frames(tmp_path / "a.mkv", frames, Fraction(12))
    file = open_frames(tmp_path / "a.mkv")
    assert np.array_equal(file.read(0, 7), frames) and file.frames == 7 and file.fps == 12


def test_png_is_lossless_and_moves(frames, tmp_path):
    write_frames(tmp_path / "a.png", frames, Fraction(10))
    shown, times = pictures(tmp_path / "a.png")
    assert np.array_equal(shown, frames) and times == [100] * 7
    write_frames(tmp_path / "b.png", frames[:1])
    assert np.array_equal(open_frames(tmp_path / "b.png").read(0, 1), frames[:1])


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001), Fraction(50)])
def test_gif_keeps_the_rate_although_its_clock_counts_in_10_ms(scene, tmp_path, rate):
    write_frames(tmp_path / "a.gif", scene(61, 8, 8), rate)
    assert abs(sum(pictures(tmp_path / "a.gif")[1]) - 61_000 / rate) <= 5
    assert float(open_frames(tmp_path / "a.gif").fps) == pytest.approx(float(rate), rel=0.01)


@pytest.mark.parametrize(
    ("ending", "rate"),
    [(".gif", Fraction(60)), (".mkv", Fraction(90_000)), (".mp4", Fraction(2**31)), (".png", Fraction(1, 10**6))],
)
def test_a_rate_that_a_form_cannot_hold_is_refused(frames, tmp_path, ending, rate):
    with pytest.raises(InputError, match=f"{ending} can hold 1/600 to .* frames a second"):
        write_frames(tmp_path / f"a{ending}", frames, rate)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ENDINGS)
def test_rates_of_large_numbers(frames, tmp_path, ending):
    write_frames(tmp_path / f"a{ending}", frames, Fraction(2**32 - 1, 2**28))
    assert float(open_frames(tmp_path / f"a{ending}").fps) == pytest.approx(16, rel=0.05)


@pytest.mark.parametrize("ending", [".gif", ".mp4"])
def test_lossy_forms_keep_brightness_and_flat_colours(frames, tmp_path, ending):
    """What both may lose is detail of colour: .mp4 by its resolution, .gif by its palette."""
    flat = np.full((3, 16, 24, 3), (200, 40, 60), np.uint8)
    for name, shown, seen in (
        ("moving", frames, lambda clip: clip @ [0.299, 0.587, 0.114]),
        ("flat", flat, np.asarray),
    ):
        write_frames(tmp_path / f"{name}{ending}", shown, Fraction(10))
        file = open_frames(tmp_path / f"{name}{ending}")
        read = file.read(0, file.frames)
        assert np.abs(seen(read.astype(float)) - seen(shown[: len(read)].astype(float))).mean() < 3
    assert open_frames(tmp_path / f"moving{ending}").frames == 7


def test_mp4_plays_where_sides_are_odd(scene, tmp_path):
    if "libx264" not in av.codecs_available:
        pytest.skip("this PyAV has no libx264")
    write_frames(tmp_path / "a.mp4", scene(3, 15, 21))
    file = open_frames(tmp_path / "a.mp4")
    assert (file.frames, file.height, file.width, file.fps) == (3, 16, 22, 25)


def test_without_an_encoder_the_other_forms_are_named(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", set())
    with pytest.raises(InputError, match=r"libx264; .*\.gif"):
        write_frames(tmp_path / "a.mp4", frames)
    assert not list(tmp_path.iterdir())


def test_unknown_ending_and_no_frames(frames, tmp_path):
    with pytest.raises(InputError, match=r"a\.txt: .*\.mp4 \.mkv \.gif \.png"):
        write_frames(tmp_path / "a.txt", frames)
    with pytest.raises(ValueError, match="frame"):
        write_frames(tmp_path / "a.gif", [])


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failure_leaves_what_was_there(frames, tmp_path, ending):
    (tmp_path / f"a{ending}").write_bytes(b"mine")

    def failing():
        yield frames[0]
        yield frames[1]
        raise InputError("no more")

    with pytest.raises(InputError, match="no more"):
        write_frames(tmp_path / f"a{ending}", failing())
    assert (tmp_path / f"a{ending}").read_bytes() == b"mine" and len(list(tmp_path.iterdir())) == 1
