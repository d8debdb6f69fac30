"""Files as frames: size, length, rate; squares and windows; bad files by name."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from sweettok.api.frames import ENDINGS, open_frames, resized, to_square, windows_of
from sweettok.errors import InputError
from sweettok.video.resize_crop import resize_crop


def test_a_video(scene, write_video, tmp_path):
    frames = scene(12, 16, 24)
    file = open_frames(write_video(tmp_path / "a.mkv", frames, rate=12))
    assert (file.frames, file.height, file.width, file.fps) == (12, 16, 24, Fraction(12))
    assert np.array_equal(file.read(3, 5), frames[3:8])
    assert np.array_equal(file.read(0, 12, to_square("crop", 16)), frames[:, :, 4:20])


def test_an_image_is_one_frame_without_a_rate(scene, tmp_path):
    frame = scene(1, 20, 30)[0]
    Image.fromarray(frame).save(tmp_path / "a.png")
    file = open_frames(tmp_path / "a.png")
    assert (file.frames, file.height, file.width, file.fps) == (1, 20, 30, None)
    assert np.array_equal(file.read(0, 1), frame[None])


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_an_animated_image_is_a_video(scene, tmp_path, ending):
    frames = scene(6, 20, 30)
    first, *rest = map(Image.fromarray, frames)
    first.save(tmp_path / f"a{ending}", save_all=True, append_images=rest, duration=40, lossless=True)
    file = open_frames(tmp_path / f"a{ending}")
    assert (file.frames, file.height, file.width, file.fps, file.even) == (6, 20, 30, Fraction(25), True)
    assert np.array_equal(file.read(1, 4), frames[1:5])


def test_uneven_times_are_told(scene, write_video, tmp_path, caplog):
    assert open_frames(write_video(tmp_path / "even.mkv", scene(5))).even and not caplog.records
    path = write_video(tmp_path / "uneven.mkv", scene(5), times=[0, 40, 80, 200, 240], rate=1000)
    assert not open_frames(path).even
    assert "uneven.mkv" in caplog.text


def test_crop_is_the_training_s_and_stretch_keeps_the_whole_picture(scene):
    frame = scene(1, 40, 60)[0]
    assert np.array_equal(to_square("crop", 16)(frame), resize_crop(frame, 16, 16))
    marked = np.zeros((40, 60, 3), np.uint8)
    marked[:, :6] = 255  # outside the central square
    assert to_square("crop", 20)(marked).max() == 0 and to_square("stretch", 20)(marked)[:, 0].min() > 200


def test_resizing_to_the_same_size_changes_nothing(scene):
    frame = scene(1, 40, 60)[0]
    assert resized(frame, 40, 60) is frame and resized(frame, 10, 30).shape == (10, 30, 3)


@pytest.mark.parametrize("frames", [1, 8, 9, 10, 18, 20])
def test_windows_hold_all_frames_and_repeat_the_last(scene, frames):
    clip = scene(frames)
    windows = windows_of(clip, 9)
    assert windows.shape == (-(-frames // 9), 9, *clip.shape[1:])
    joined = windows.reshape(-1, *clip.shape[1:])
    assert np.array_equal(joined[:frames], clip) and (joined[frames:] == clip[-1]).all()


@pytest.mark.parametrize(
    "name, content, named",
    [
        ("a.mp4", b"", "empty"),
        ("a.mp4", b"no video at all" * 9, "decoded"),
        ("a.png", b"no image at all", "decoded"),
        ("a.txt", b"text", r"image .*video .*\.mp4"),
        ("a", b"text", r"image .*video .*\.mp4"),
    ],
)
def test_bad_files(tmp_path, name, content, named):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=named) as refused:
        open_frames(tmp_path / name)
    assert str(tmp_path / name) in str(refused.value)


@pytest.mark.parametrize("ending", ENDINGS)
def test_absent_files(tmp_path, ending):
    with pytest.raises(InputError, match="does not exist"):
        open_frames(tmp_path / f"none{ending}")
