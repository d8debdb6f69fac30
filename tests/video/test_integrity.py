"""Cut and damaged files are refused in every format that can tell, and whole ones are not."""

import av
import numpy as np
import pytest

from sweettok.api.writing import write_frames
from sweettok.video.decode import read_window, video_index
from sweettok.video.formats import Unreadable

FORMS = {  # name: codec, pixel format, options of the codec and of the container
    "ffv1.mkv": ("ffv1", "bgr0", {}, {}),
    "hevc.mkv": ("libx265", "yuv420p", {"x265-params": "log-level=none"}, {}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}, {}),
    "palette.gif": ("gif", "rgb8", {}, {}),
    "raw.avi": ("rawvideo", "bgr24", {}, {}),
    "h264.mp4": ("libx264", "yuv420p", {}, {}),
    "index_first.mov": ("libx264", "yuv420p", {}, {"movflags": "faststart"}),
    "fragments.mp4": ("libx264", "yuv420p", {"g": "5"}, {"movflags": "frag_keyframe+empty_moov"}),
    "wmv2.wmv": ("wmv2", "yuv420p", {}, {}),
    "vp8.ogv": ("libvpx", "yuv420p", {}, {}),
}


@pytest.fixture(scope="module", params=FORMS)
def whole(request, tmp_path_factory, write_video, scene):
    codec, pixels, options, of_container = FORMS[request.param]
    path = tmp_path_factory.mktemp("whole") / request.param
    return write_video(path, scene(30), codec, pixels, options=options, of_container=of_container)


@pytest.fixture
def altered(tmp_path):
    """(path, change of its content) -> a changed copy."""

    def write(path, change):
        copy = tmp_path / f"altered{path.suffix}"
        copy.write_bytes(change(bytearray(path.read_bytes())))
        return copy

    return write


def test_whole_files_are_read(whole):
    assert video_index(whole).frames == 30 and len(read_window(whole, 0, 1, 30)) == 30


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
def test_cut_files_are_refused(whole, altered, share):
    path = altered(whole, lambda content: content[: int(len(content) * share)])
    with pytest.raises(Unreadable, match="truncated"):
        video_index(path)


@pytest.mark.parametrize("left", range(1, 60, 7))
def test_the_first_bytes_of_a_file_are_no_file(whole, altered, left):
    with pytest.raises(Unreadable):
        video_index(altered(whole, lambda content: content[:left]))


def flip(share):
    """Change one byte at that share of the content."""

    def change(content):
        content[int(len(content) * share)] ^= 0x55
        return content

    return change


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("name", ["ffv1.mkv", "hevc.mkv", "vp9.mkv"])
def test_matroska_knows_where_it_is_damaged(tmp_path, write_video, scene, altered, name, share):
    codec, pixels, options, _ = FORMS.get(name) or FORMS["vp9.webm"]
    path = write_video(tmp_path / name, scene(30), codec, pixels, options=options)
    assert video_index(path).frames == 30
    with pytest.raises(Unreadable, match="damaged"):
        video_index(altered(path, flip(share)))


def test_what_this_project_writes_without_loss_is_verified(tmp_path, scene, altered):
    write_frames(tmp_path / "clip.mkv", scene(9))
    assert np.array_equal(read_window(tmp_path / "clip.mkv", 0, 1, 9), scene(9))
    for share in (0.2, 0.4, 0.6, 0.8):
        with pytest.raises(Unreadable, match="damaged"):
            video_index(altered(tmp_path / "clip.mkv", flip(share)))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_ffv1_is_verified_in_any_container(tmp_path, write_video, scene, altered, share):
    path = write_video(tmp_path / "clip.avi", scene(20, 64, 96), "ffv1", "yuv420p")
    with pytest.raises(Unreadable, match=r"frame \d+ .*checksum"):
        video_index(altered(path, flip(share)))


@pytest.mark.parametrize("options", [{"level": "1"}, {"level": "3", "slicecrc": "0"}])
def test_ffv1_without_checksums_is_read(tmp_path, write_video, scene, options):
    path = write_video(tmp_path / "clip.avi", scene(5), "ffv1", "bgr0", options=options)
    assert np.array_equal(read_window(path, 0, 1, 5), scene(5))


def test_what_a_decoder_notices_is_refused(tmp_path, write_video, scene, altered):
    """MPEG-2 notices most damage, not all."""
    path = write_video(tmp_path / "clip.mpg", scene(40, 64, 96), "mpeg2video", "yuv420p")
    refused = 0
    for share in np.linspace(0.2, 0.8, 8):

        def blot(content, share=share):
            at = int(len(content) * share)
            content[at : at + 24] = bytes(24)
            return content

        try:
            read_window(altered(path, blot), 0, 1, 39)
        except Unreadable:
            refused += 1
    assert refused >= 4


def test_streams_without_a_stated_size_are_read(tmp_path, write_video, scene):
    path = write_video(tmp_path / "live.mkv", scene(9), of_container={"live": "1"})
    assert np.array_equal(read_window(path, 0, 1, 9), scene(9))
    with av.open(path) as container:
        assert container.duration is None
