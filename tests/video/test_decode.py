"""Windows of video files: exact frames whatever the container, bounded work, honest reasons."""

import os
from fractions import Fraction

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from sweettok.video import decode
from sweettok.video.decode import VideoIndex, read_window, video_index
from sweettok.video.formats import VIDEOS, Unreadable

ENCODINGS = {  # ending: codec, pixel format, options (several key frames where the format has them)
    "ffv1.mkv": ("ffv1", "bgr0", {}),
    "raw.avi": ("rawvideo", "bgr24", {}),
    "h264.mp4": ("libx264", "yuv420p", {"g": "9", "bf": "2", "sc_threshold": "0"}),
    "h264.mkv": ("libx264", "yuv420p", {"g": "9", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}),
    "xvid.avi": ("mpeg4", "yuv420p", {"g": "9", "bf": "2"}),
    "mpeg1.mpg": ("mpeg1video", "yuv420p", {"g": "9", "bf": "2"}),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", {"g": "9", "bf": "0"}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"g": "9", "deadline": "realtime", "cpu-used": "8"}),
    "vp8.webm": ("libvpx", "yuv420p", {"g": "9", "auto-alt-ref": "1", "lag-in-frames": "8"}),
    "palette.gif": ("gif", "rgb8", {}),
    "h264.MOV": ("libx264", "yuv420p", {"g": "9", "bf": "2"}),
    "mpeg4.3gp": ("mpeg4", "yuv420p", {"g": "9"}),
    "mpeg2.mpeg": ("mpeg2video", "yuv420p", {"g": "9", "bf": "2"}),
    "h264.ts": ("libx264", "yuv420p", {"g": "9", "bf": "2"}),
    "mpeg2.m2ts": ("mpeg2video", "yuv420p", {"g": "9"}),
    "wmv2.wmv": ("wmv2", "yuv420p", {"g": "9"}),
    "flv1.flv": ("flv", "yuv420p", {"g": "9"}),
    "vp8.ogv": ("libvpx", "yuv420p", {"g": "9"}),
}


def all_frames(path):
    """The reference: every frame, decoded in one go by another route than the window's."""
    with av.open(path) as container:
        return np.stack([np.asarray(frame.to_image().convert("RGB")) for frame in container.decode(video=0)])


@pytest.fixture(scope="module", params=ENCODINGS)
def encoded(request, tmp_path_factory, scene, write_video):
    codec, pixels, options = ENCODINGS[request.param]
    path = tmp_path_factory.mktemp("encoded") / request.param
    return write_video(path, scene(40), codec, pixels, options=options)


@pytest.mark.parametrize(
    ("start", "stride", "count"), [(0, 1, 40), (0, 1, 1), (13, 1, 9), (39, 1, 1), (8, 3, 10), (17, 7, 2)]
)
def test_a_window_is_a_slice_of_all_frames(encoded, start, stride, count):
    expected = all_frames(encoded)[start : start + stride * count : stride]
    assert np.array_equal(read_window(encoded, start, stride, count), expected)


def test_the_index_counts_the_frames(encoded):
    index = video_index(encoded)
    assert index.frames == 40
    if encoded.name.startswith(("h264", "ffv1", "raw", "vp9")):
        assert index.times is not None and (np.diff(index.times) > 0).all() and index.key_frames[0] == 0


def cover(output):
    """Add a cover picture to an .mp4 that is being written, as music shops and cameras do."""
    stream = output.add_stream("mjpeg", rate=25)
    stream.width, stream.height, stream.pix_fmt = 40, 30, "yuvj420p"
    stream.disposition = Disposition.attached_pic
    picture = av.VideoFrame.from_ndarray(np.full((30, 40, 3), 200, np.uint8)).reformat(format="yuvj420p")
    picture.pts = 0
    return lambda: output.mux([*stream.encode(picture), *stream.encode()])


def user_data_first(content):
    """An .mp4 whose movie header begins with what holds the cover, as some cameras write it."""
    start = content.index(b"moov") + 4
    at = content.rindex(b"udta") - 4
    end = at + int.from_bytes(content[at : at + 4])
    return content[:start] + content[at:end] + content[start:at] + content[end:]


def test_a_cover_is_not_the_film(tmp_path, scene):
    path = tmp_path / "clip.mp4"
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 24, 16, "yuv420p"
        cover(output)()
        for frame in scene(9, 16, 24):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        output.mux(stream.encode())
    path.write_bytes(user_data_first(path.read_bytes()))
    with av.open(path) as container:
        assert [stream.codec_context.name for stream in container.streams.video] == ["mjpeg", "h264"]
    assert video_index(path).frames == 9 and read_window(path, 0, 1, 9).shape == (9, 16, 24, 3)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_transparency_that_no_decoder_shows_is_refused(tmp_path, codec):
    """Else what it hides would be seen."""
    path = tmp_path / "clip.webm"
    with av.open(path, "w") as output:
        stream = output.add_stream(codec, rate=25, options={"auto-alt-ref": "0"})
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuva420p"
        frame = av.VideoFrame.from_ndarray(np.full((16, 16, 4), (255, 0, 0, 0), np.uint8), format="rgba")
        output.mux([*stream.encode(frame.reformat(format="yuva420p")), *stream.encode()])
    with pytest.raises(Unreadable, match="VP8 or VP9 with transparency"):
        video_index(path)


def test_the_rate_of_a_gif_is_that_of_its_times(tmp_path, scene):
    frames = [Image.fromarray(frame) for frame in scene(6)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=[30, 30, 40] * 2)
    assert video_index(tmp_path / "a.gif").rate == 30


@pytest.mark.parametrize("name, codec", [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx")])
@pytest.mark.parametrize(
    ("times", "rate"),
    [
        ([0, 40, 80, 120, 2000], Fraction(2)),  # uneven: 4 steps in 2 s
        ([0, 40, 80, 120, 560], Fraction(4000, 560)),
        ([0, 40, 80, 120, 160], Fraction(25)),  # even, and not 1000, as the header says
    ],
)
def test_the_rate_is_the_mean_of_the_times(tmp_path, write_video, scene, name, codec, times, rate):
    path = write_video(tmp_path / name, scene(5), codec, "yuv420p", times=times, rate=1000)
    assert video_index(path).rate == rate


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30_000, 1001), Fraction(24_000, 1001), Fraction(60)])
def test_a_stated_rate_that_rounded_times_agree_with_stays(tmp_path, write_video, scene, rate):
    """Matroska's times are whole milliseconds."""
    path = write_video(tmp_path / "a.mkv", scene(200, 8, 8), rate=rate)
    assert abs(video_index(path).rate - rate) < 1e-4 * rate


def test_music_with_a_cover_has_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(path, "w") as output:
        stream = output.add_stream("aac", rate=44_100)
        cover(output)()
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 44_100
        output.mux([*stream.encode(silence), *stream.encode()])
    with pytest.raises(Unreadable, match="no video stream"):
        video_index(path)


@pytest.mark.parametrize("ending", [".mkv", ".avi"])
@pytest.mark.parametrize(("height", "width"), [(16, 24), (17, 31), (1, 1), (3, 101)])
def test_lossless_files_give_back_every_byte(tmp_path, write_video, scene, ending, height, width):
    frames = scene(7, height, width)
    path = write_video(tmp_path / f"clip{ending}", frames)
    assert np.array_equal(read_window(path, 0, 1, 7), frames)
    assert np.array_equal(read_window(path, 2, 2, 3), frames[2::2])


def test_frames_of_variable_rate_are_counted_not_timed(tmp_path, write_video, scene):
    frames = scene(20)
    times = np.cumsum([1, 9, 2, 2, 30] * 4).tolist()
    path = write_video(tmp_path / "clip.mkv", frames, times=times, rate=1000)
    for start in range(16):
        assert np.array_equal(read_window(path, start, 1, 5), frames[start : start + 5])


@pytest.mark.parametrize(
    ("times", "even"),
    [
        ([0, 40, 80, 120, 160], True),
        ([0, 33, 67, 100, 133], True),
        ([0, 33, 83, 116, 166], False),
        ([0, 40, 80, 160, 200], False),
        ([0], True),
    ],
)
def test_the_index_says_whether_frames_come_at_equal_distances(tmp_path, write_video, scene, times, even):
    assert video_index(write_video(tmp_path / "clip.mkv", scene(len(times)), times=times, rate=1000)).even == even


OTHER_ENDINGS = {  # ending: container, codec
    ".divx": ("avi", "mpeg4"),
    ".mp4v": ("mp4", "mpeg4"),
    ".mk3d": ("matroska", "libx264"),
    ".m2v": ("mpeg2video", "mpeg2video"),
    ".m1v": ("mpeg1video", "mpeg1video"),
    ".mpe": ("mpeg", "mpeg1video"),
    ".vob": ("vob", "mpeg2video"),
    ".mts": ("mpegts", "libx264"),
    ".m2t": ("mpegts", "mpeg2video"),
    ".ogv": ("ogg", "libvpx"),
    ".3g2": ("3g2", "libx264"),
    ".f4v": ("f4v", "libx264"),
    ".mxf": ("mxf", "mpeg2video"),
    ".ivf": ("ivf", "libvpx"),
    ".mjpeg": ("mjpeg", "mjpeg"),
}


@pytest.mark.parametrize("ending", OTHER_ENDINGS)
def test_other_endings_of_known_containers_are_read(tmp_path, scene, ending):
    container, codec = OTHER_ENDINGS[ending]
    frames = scene(12, 64, 96)
    with av.open(tmp_path / f"clip{ending}", "w", format=container) as output:
        stream = output.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 4_000_000
        for frame in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        output.mux(stream.encode())
    index = video_index(tmp_path / f"clip{ending}")
    assert (index.frames, index.even) == (12, True)
    assert index.rate == (None if codec == "mjpeg" else 25)  # bare JPEGs state none
    shown = read_window(tmp_path / f"clip{ending}", 3, 2, 4)
    distances = np.abs(frames[None].astype(int) - shown[:, None]).mean((2, 3, 4))
    assert distances.argmin(1).tolist() == [3, 5, 7, 9]


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv422p10le", "yuv444p10le", "yuva420p10le"])
def test_more_than_8_bits_are_rounded_not_cut(tmp_path, pixels):
    """Codes 64 and 940 of 10 bits are black and white."""
    frame = av.VideoFrame(32, 32, pixels)
    for number, plane in enumerate(frame.planes):
        columns = np.full((plane.height, plane.line_size // 2), 512 if number < 3 else 1023, np.uint16)
        if number == 0:
            columns[:, :32] = np.linspace(64, 940, 32).round()
        plane.update(columns.tobytes())
    with av.open(tmp_path / "a.mkv", "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 32, pixels
        stream.codec_context.color_range = 1
        output.mux([*stream.encode(frame), *stream.encode()])
    expected = (np.linspace(64, 940, 32).round() - 64) / 876 * 255
    shown = read_window(tmp_path / "a.mkv", 0, 1, 1)[0, 16]
    assert np.abs(shown - expected[:, None]).max() <= 1 and shown[-1].min() == 255


@pytest.mark.parametrize("start", [0, 3, 5000, 9983])
def test_work_depends_on_the_window_not_on_the_file(long_video, monkeypatch, start):
    path, frames = long_video
    decoded, original = [], decode._frames_from

    def counted(*arguments):
        for pair in original(*arguments):
            decoded.append(pair[0])
            yield pair

    monkeypatch.setattr(decode, "_frames_from", counted)
    window = read_window(path, start, 1, 17)
    assert np.array_equal(window[:, 0, 0, 0], frames[start : start + 17])
    assert len(decoded) <= 17 + 50  # the key frame before is at most 50 frames away


@pytest.fixture(scope="module")
def long_video(tmp_path_factory, write_video):
    """10,000 frames whose grey value tells their number, and those values."""
    values = (np.arange(10_000) * 7 % 251).astype(np.uint8)
    frames = np.broadcast_to(values[:, None, None, None], (10_000, 8, 8, 3))
    path = tmp_path_factory.mktemp("long") / "long.mkv"
    return write_video(path, frames, "ffv1", "bgr0", options={"g": "50"}), values


@pytest.mark.parametrize("wrong", [lambda times: times + 1, lambda times: times - 1, lambda times: times * 2])
def test_wrong_timestamps_lead_to_decoding_from_the_start(tmp_path, write_video, scene, wrong):
    path = write_video(tmp_path / "clip.mp4", scene(40), *ENCODINGS["h264.mp4"][:2], options=ENCODINGS["h264.mp4"][2])
    index = video_index(path)
    assert len(index.key_frames) == 5
    distrusted = VideoIndex(index.frames, wrong(index.times), index.key_frames)
    assert np.array_equal(read_window(path, 20, 1, 5, index=distrusted), all_frames(path)[20:25])


def test_grey_becomes_rgb(tmp_path, write_video, scene):
    frames = scene(4)[..., 0]
    path = write_video(tmp_path / "clip.mkv", frames, "ffv1", "gray", kind="gray")
    assert np.array_equal(read_window(path, 0, 1, 4), np.repeat(frames[..., None], 3, axis=-1))


def test_transparency_is_composited_on_black(tmp_path, write_video, scene):
    colour = scene(4)
    opacity = np.broadcast_to(np.linspace(0, 255, 24).astype(np.uint8), (4, 16, 24))[..., None]
    path = write_video(tmp_path / "clip.mkv", np.concatenate([colour, opacity], -1), "ffv1", "bgra", kind="rgba")
    expected = np.round(colour.astype(float) * opacity / 255)
    assert np.abs(read_window(path, 0, 1, 4) - expected).max() <= 1
    assert (read_window(path, 0, 1, 4)[:, :, 0] == 0).all()


def test_change_is_applied_to_each_kept_frame(tmp_path, write_video, scene):
    frames = scene(9)
    path = write_video(tmp_path / "clip.mkv", frames)
    seen = []

    def corner(frame):
        seen.append(frame)
        return frame[:2, :3]

    assert np.array_equal(read_window(path, 1, 2, 4, corner), frames[1::2, :2, :3])
    assert len(seen) == 4


def audio_only(folder, write_video, scene):
    path = folder / "audio.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def written(name, content):
    def write(folder, write_video, scene):
        (folder / name).write_bytes(content)
        return folder / name

    return write


def unknown_codec(folder, write_video, scene):
    path = write_video(folder / "codec.mp4", scene(5), "libx264", "yuv420p")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"))
    return path


def cut(ending, share):
    def write(folder, write_video, scene):
        source = {".mp4": ("libx264", "yuv420p"), ".avi": (None, None), ".mkv": (None, None)}[ending]
        path = write_video(folder / f"cut{ending}", scene(30), *source)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        return path

    return write


def a_folder(folder, write_video, scene):
    (folder / "folder.mp4").mkdir()
    return folder / "folder.mp4"


def a_pipe(folder, write_video, scene):
    os.mkfifo(folder / "pipe.mp4")
    return folder / "pipe.mp4"


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.ts\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda *_: _[0] / "absent.mp4", "does not exist"),
        (a_folder, "folder"),
        (a_pipe, "file"),
        (written("empty.mp4", b""), "empty"),
        (written("noise.mp4", bytes(range(256)) * 40), "decoded"),
        (written("text.avi", b"no video at all"), "decoded"),
        (written("list.mp4", PLAYLIST), "decoded"),
        (written("clip.txt", b"text"), r"\.txt; .*\.mp4"),
        (written("noending", b"text"), r"no ending; .*\.mp4"),
        (audio_only, "stream"),
        (unknown_codec, "codec"),
        (cut(".mp4", 0.5), "truncated"),
        (cut(".avi", 0.5), "truncated"),
        (cut(".mkv", 0.01), "truncated"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path, write_video, scene, make, reason):
    path = make(tmp_path, write_video, scene)
    for read in (video_index, lambda path: read_window(path, 0, 1, 1)):
        with pytest.raises(Unreadable, match=reason):
            read(path)


def test_a_file_cut_after_it_was_indexed_ends_early(tmp_path, write_video, scene):
    path = write_video(tmp_path / "clip.mkv", scene(30))
    index = video_index(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert len(read_window(path, 0, 1, 3, index=index)) == 3
    with pytest.raises(Unreadable, match="frame|damaged|decoded"):
        read_window(path, 0, 1, 30, index=index)


@pytest.mark.parametrize("ending", [*VIDEOS, ".MOV", ".Mp4"])
def test_contents_count_not_the_ending(tmp_path, write_video, scene, ending):
    path = write_video(tmp_path / "clip.mkv", scene(5))
    assert np.array_equal(read_window(path.rename(tmp_path / f"clip{ending}"), 0, 1, 5), scene(5))


def test_names_that_are_not_utf8_are_read(tmp_path, write_video, scene):
    source = write_video(tmp_path / "clip.mkv", scene(5))
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 \n.mkv")
    os.rename(source, path)
    assert np.array_equal(read_window(path, 0, 1, 5), scene(5))


def test_a_window_beyond_the_end_is_refused(tmp_path, write_video, scene):
    path = write_video(tmp_path / "clip.mkv", scene(1))
    assert read_window(path, 0, 1, 1).shape == (1, 16, 24, 3)
    with pytest.raises(Unreadable, match="1 frame, frame 8 "):
        read_window(path, 0, 4, 3)


@pytest.mark.parametrize("window", [(-1, 1, 1), (0, 0, 1), (0, 1, 0)])
def test_senseless_windows_are_refused(tmp_path, window):
    with pytest.raises(ValueError, match="start .*stride .*count"):
        read_window(tmp_path / "clip.mkv", *window)


@pytest.mark.parametrize(
    "pattern", ["ucf101/**/*.avi", "weizmann/wave1/*1_*.mp4", "cctv/street/nofi00*.mp4", "atari/a*/*.gif"]
)
def test_windows_of_real_files_are_slices(real_samples, pattern):
    name, _, rest = pattern.partition("/")
    paths = sorted(real_samples(name).glob(rest))[:3]
    assert paths
    for path in paths:
        frames = all_frames(path)
        assert video_index(path).frames == len(frames)
        for start in (0, len(frames) // 3, len(frames) - 17):
            assert np.array_equal(read_window(path, start, 1, 17), frames[start : start + 17])
