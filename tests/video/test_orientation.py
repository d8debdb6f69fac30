"""All eight orientations, as a player shows them, in every container that states one."""

import av
import numpy as np
import pytest

from sweettok.video import orientation
from sweettok.video.decode import read_window
from sweettok.video.formats import Unreadable

SHOWN = {  # (a, b, c, d): (x, y) is shown at (a x + c y, b x + d y), y down -> what becomes of an array (rows, columns)
    (1, 0, 0, 1): lambda pixels: pixels,
    (0, 1, -1, 0): lambda pixels: np.rot90(pixels, -1),
    (-1, 0, 0, -1): lambda pixels: np.rot90(pixels, 2),
    (0, -1, 1, 0): lambda pixels: np.rot90(pixels),
    (-1, 0, 0, 1): np.fliplr,
    (1, 0, 0, -1): np.flipud,
    (0, 1, 1, 0): lambda pixels: pixels.swapaxes(0, 1),
    (0, -1, -1, 0): lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
}
CONTAINERS = {".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx"}
each = pytest.mark.parametrize("matrix", SHOWN)


def stated(a, b, c, d):
    return np.array([[a, b, 0], [c, d, 0], [0, 0, 1]])


@each
@pytest.mark.parametrize("ending", CONTAINERS)
def test_a_film_is_shown_as_its_matrix_says(tmp_path, write_video, scene, matrix, ending):
    units = (stated(*matrix) * [1 << 16, 1 << 16, 1 << 30]).ravel()
    frames = scene(3, 16, 32)
    plain = write_video(tmp_path / f"plain{ending}", frames, CONTAINERS[ending], "yuv420p")
    path = write_video(
        tmp_path / f"clip{ending}",
        frames,
        CONTAINERS[ending],
        "yuv420p",
        tag=lambda stream: stream.set_display_matrix(units),
    )
    expected = np.stack([SHOWN[matrix](frame) for frame in read_window(plain, 0, 1, 3)])
    assert np.array_equal(read_window(path, 0, 1, 3), expected)


def test_a_matrix_between_quarter_turns_is_refused(tmp_path, write_video, scene):
    def tilt(stream):
        stream.set_display_rotation(30)

    path = write_video(tmp_path / "clip.mp4", scene(3, 16, 32), "libx264", "yuv420p", tag=tilt)
    with pytest.raises(Unreadable, match="display matrix"):
        read_window(path, 0, 1, 1)


@each
def test_pixels_go_where_the_matrix_sends_them(matrix):
    pixels = np.arange(2 * 3 * 3).reshape(2, 3, 3)
    shown = orientation.upright(pixels, stated(*matrix) * 7)
    a, b, c, d = matrix
    columns, rows = zip(*[(a * x + c * y, b * x + d * y) for y in range(2) for x in range(3)], strict=True)
    for number, (x, y) in enumerate(zip(columns, rows, strict=True)):
        assert np.array_equal(shown[y - min(rows), x - min(columns)], pixels[number // 3, number % 3])


def test_a_matrix_of_zeros_says_nothing():
    pixels = np.arange(18).reshape(2, 3, 3)
    assert np.array_equal(orientation.upright(pixels, np.zeros((3, 3))), pixels)


@pytest.mark.parametrize(
    ("degrees", "matrix"), [(90, (0, -1, 1, 0)), (-90, (0, 1, -1, 0)), (180, (-1, 0, 0, -1)), (0, (1, 0, 0, 1))]
)
def test_where_other_side_data_cannot_be_read_the_rotation_still_counts(degrees, matrix):
    class Frame:
        rotation = degrees

        @property
        def side_data(self):
            raise ValueError("99 is not a valid Type")

    assert np.allclose(orientation.display_matrix(Frame()), stated(*matrix))


def test_frames_without_a_matrix():
    assert orientation.display_matrix(av.VideoFrame(16, 16, "rgb24")) is None
