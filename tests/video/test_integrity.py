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
    "flv1.flv": ("flv", "yuv420p", {}, {}),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", {}, {}),
    "mpeg1.mpg": ("mpeg1video", "yuv420p", {}, {}),
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


@pytest.mark.parametrize("name", ["raw.avi", "xvid.avi", "flv1.flv"])
def test_a_cut_between_the_last_frames_is_noticed(tmp_path, write_video, scene, altered, name):
    codec, pixels, *_ = FORMS.get(name) or ("mpeg4", "yuv420p")
    path = write_video(tmp_path / name, scene(30), codec, pixels)
    with av.open(path) as container:
        starts = sorted(packet.pos for packet in container.demux(video=0) if packet.size)
    for at in starts[-3:]:
        with pytest.raises(Unreadable, match="truncated"):
            video_index(altered(path, lambda content, at=at: content[:at]))


@pytest.mark.parametrize("name, packet", [("h264.ts", 188), ("mpeg2.m2ts", 192)])
def test_transport_streams_notice_a_cut_within_a_packet(tmp_path, write_video, scene, altered, name, packet):
    path = write_video(tmp_path / name, scene(30), "libx264" if name == "h264.ts" else "mpeg2video", "yuv420p")
    content = path.read_bytes()
    assert len(content) % packet == 0 and video_index(path).frames == 30
    for whole in range(5, len(content) // packet, 7):
        for more in (1, 5, 100, packet - 1):
            with pytest.raises(Unreadable, match=f"truncated .* {more} of its {packet} bytes"):
                video_index(altered(path, lambda _, left=whole * packet + more: content[:left]))
    recorded = altered(path, lambda _: content[2 * packet - 30 : 2 * packet] + content)  # began within a packet
    assert video_index(recorded).frames == 30


JOINED = ["h264.mp4", "index_first.mov", "wmv2.wmv", "flv1.flv", "mpeg2.mpg", "ffv1.mkv", "palette.gif"]


@pytest.mark.parametrize("name", JOINED)
def test_joined_files_give_all_frames_or_are_refused(tmp_path, write_video, scene, altered, name):
    """As `cat one two > joined` makes them."""
    codec, pixels, options, of_container = FORMS[name]
    path = write_video(tmp_path / name, scene(12), codec, pixels, options=options, of_container=of_container)
    joined = altered(path, lambda content: content + content)
    if name.endswith((".mpg", ".mkv", ".gif")):
        assert video_index(joined).frames == len(read_window(joined, 0, 1, 24)) == 24
    else:
        with pytest.raises(Unreadable, match="joined"):
            video_index(joined)


@pytest.mark.parametrize("size", [0, 2**32 - 1])
def test_an_avi_of_unstated_size_is_read(tmp_path, write_video, scene, altered, size):
    path = write_video(tmp_path / "clip.avi", scene(5))
    unclosed = altered(path, lambda content: content[:4] + size.to_bytes(4, "little") + content[8:])
    assert np.array_equal(read_window(unclosed, 0, 1, 5), scene(5))


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


GROUPS = {"g": "9", "bf": "2", "sc_threshold": "0"}
HIDDEN = {  # name: codec, options, how many of the 40 frames lie before the film's start
    "few.mp4": ("libx264", GROUPS, 3),
    "a_group_and_more.mov": ("libx264", GROUPS, 12),
    "to_a_key_frame.mp4": ("libx264", GROUPS, 18),
    "no_b_frames.mov": ("mpeg4", {"g": "9"}, 21),
    "key_frames_alone.mp4": ("mpeg4", {"g": "1"}, 7),
}


@pytest.fixture(params=HIDDEN)
def edited(request, tmp_path, scene, write_video):
    """(file whose edit list hides its start, number of hidden frames); its data comes last and has no stated size."""
    codec, options, hidden = HIDDEN[request.param]
    path, times = tmp_path / request.param, list(range(-hidden, 40 - hidden))
    of_container = {"movflags": "faststart"}
    write_video(path, scene(40), codec, "yuv420p", times=times, options=options, of_container=of_container)
    open_the_data(path)
    return path, hidden


def open_the_data(path):
    """A size of 0 says: up to the file's end. So only the number of frames tells where the file is cut."""
    content = bytearray(path.read_bytes())
    at = content.index(b"mdat") - 4
    assert at > content.index(b"moov")
    content[at : at + 4] = bytes(4)
    path.write_bytes(content)


def nearest(frames, shown):
    """Which of the frames (lossily coded) each shown one is."""
    distances = np.abs(frames[None].astype(int) - shown[:, None]).mean((2, 3, 4))
    return distances.argmin(1).tolist()


def test_what_an_edit_list_hides_is_not_there(edited, scene):
    path, hidden = edited
    with av.open(path) as container:
        assert container.streams.video[0].frames == 40
        played = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    count = 40 - hidden
    assert video_index(path).frames == len(played) == count
    assert nearest(scene(40), played) == list(range(hidden, 40))
    for start in range(count - 2):
        assert np.array_equal(read_window(path, start, 1, 3), played[start : start + 3])


@pytest.mark.parametrize("kept", [20, 30, 39])
def test_a_film_with_hidden_frames_that_is_cut_is_refused(edited, altered, kept):
    path, hidden = edited
    with av.open(path) as container:
        starts = sorted(packet.pos for packet in container.demux(video=0) if packet.size)
    at = starts[kept - 40]
    for left in (at, at + 3):  # between two frames, within one
        with pytest.raises(Unreadable, match="truncated"):
            video_index(altered(path, lambda content, left=left: content[:left]))


def test_a_film_copied_from_the_middle_of_another_is_read(tmp_path, scene, write_video):
    """As `ffmpeg -ss 0.5 -c copy` writes it: packets from a key frame on, times from the wanted frame on."""
    source = write_video(tmp_path / "source.mkv", scene(40), "libx264", "yuv420p", options=GROUPS)
    path = tmp_path / "copy.mp4"
    with av.open(source) as read, av.open(path, "w") as written:
        stream = read.streams.video[0]
        copy = written.add_stream_from_template(stream)
        shift = round(13 / 25 / stream.time_base)
        for packet in list(read.demux(stream))[9:-1]:
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copy
            written.mux(packet)
    assert nearest(scene(40), read_window(path, 0, 1, 27)) == list(range(13, 40))
    assert video_index(path).frames == 27


def test_an_edit_list_may_hide_the_end(tmp_path, scene, write_video):
    path = write_video(tmp_path / "clip.mp4", scene(40), "libx264", "yuv420p", options=GROUPS)
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 12  # version and flags, number of entries, then the first one's duration
    assert int.from_bytes(content[at : at + 4]) == 1600  # ms
    content[at : at + 4] = (800).to_bytes(4)
    path.write_bytes(content)
    assert video_index(path).frames == 20
    assert nearest(scene(40), read_window(path, 0, 1, 20)) == list(range(20))


DROPPED = {  # name: codec, options, times of 20 frames
    "late": ("rawvideo", "bgr24", {}, list(range(7, 27))),
    "late, B-frames": ("mpeg4", "yuv420p", {"g": "9", "bf": "2"}, list(range(7, 27))),
    "a gap": ("rawvideo", "bgr24", {}, [*range(10), *range(40, 50)]),
}


@pytest.fixture(params=DROPPED)
def dropped(request, tmp_path, scene, write_video):
    codec, pixels, options, times = DROPPED[request.param]
    return write_video(tmp_path / "clip.avi", scene(20), codec, pixels, times=times, options=options)


def test_an_avi_with_dropped_frames_is_read(dropped, scene):
    with av.open(dropped) as container:
        assert container.streams.video[0].frames * 0.9 > 20
    assert video_index(dropped).frames == 20
    assert nearest(scene(20), read_window(dropped, 0, 1, 20)) == list(range(20))
    for start in range(18):
        assert nearest(scene(20), read_window(dropped, start, 1, 3)) == list(range(start, start + 3))


@pytest.mark.parametrize("kept", [5, 12, 14])
def test_an_avi_with_dropped_frames_that_is_cut_is_refused(dropped, altered, kept):
    with av.open(dropped) as container:
        starts = sorted(packet.pos for packet in container.demux(video=0) if packet.size)
    for left in (starts[kept], starts[kept] + 20):
        with pytest.raises(Unreadable, match="truncated"):
            video_index(altered(dropped, lambda content, left=left: content[:left]))


def test_an_avi_may_hold_a_few_frames_less_than_it_announces(tmp_path, write_video, scene):
    path = write_video(tmp_path / "clip.avi", scene(30))
    content = path.read_bytes()
    for announced, readable in ((31, True), (60, False)):
        header = content.replace((30).to_bytes(4, "little"), announced.to_bytes(4, "little"))
        path.write_bytes(header)
        with av.open(path) as container:
            assert container.streams.video[0].frames == announced
        if readable:
            assert video_index(path).frames == 30
        else:
            with pytest.raises(Unreadable, match="truncated .*30"):
                video_index(path)
