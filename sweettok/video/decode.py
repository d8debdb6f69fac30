"""Frames of video files (PyAV): frame-accurate windows whose cost depends on the window, not on the file.

Frame n of a file is the n-th frame its decoder gives, in presentation order. A window is read by a seek to the last key
frame before it and decoding forward, checked against the timestamps of all packets; where these cannot be trusted
(absent, repeated, or other than what the decoder then gives: some .avi, .mpg) the file is decoded from its start.
One frame is held at a time, beside those kept.

What a frame becomes: 8-bit RGB, high dynamic range by the rule of that module; turned and mirrored as its display matrix
says; transparent parts composited on black; the pixels as stored, so a non-square pixel aspect is not applied, as in the
published evaluation pipelines.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import count as counting
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import Interpolation

from sweettok.errors import counted
from sweettok.video import high_dynamic_range
from sweettok.video.formats import VIDEOS, Unreadable, check_file
from sweettok.video.integrity import check_whole, ffv1_is_damaged
from sweettok.video.orientation import display_matrix, upright
from sweettok.video.timing import is_even

# none that names other files or addresses
_CONTAINERS = "asf,avi,flv,gif,ivf,matroska,webm,mjpeg,mov,mp4,mpeg,mpegts,mpegvideo,mxf,ogg"
_BARE = ("mjpeg", "mpegvideo")  # without a container, so without times: those that FFmpeg gives are its guess
_AVI_KEPT = 0.9  # of the frames an .avi declares, at least: some writers count a few that never came
# Of conversion from more than 8 bits; without the last, FFmpeg makes white 253 where the colours have half the resolution
_EXACT = int(Interpolation.BILINEAR) | 0x40000 | 0x2000  # SWS_ACCURATE_RND, SWS_FULL_CHR_H_INT
Frame = np.ndarray


class _DistrustedTimestamps(Exception):
    """The decoder's frames do not come at the timestamps of the packets."""


@dataclass(frozen=True)
class VideoIndex:
    """A file's frames as its packets tell, without decoding.

    times: (frames,) int64, increasing, in the stream's time base; None where timestamps are absent or repeat.
    key_frames: (keys,) int64, increasing frame numbers at which decoding may start (empty without times).
    rate: frames a second on average: what the file says, unless its times say otherwise; None where neither does.
    even: whether the frames come at equal distances, up to the rounding of the file's clock. True without times.
    """

    frames: int
    times: np.ndarray | None
    key_frames: np.ndarray
    rate: Fraction | None = None
    even: bool = True


def video_index(path: str | Path) -> VideoIndex:
    """Count a file's frames and find its key frames by reading all packets of its first video stream.

    Raises Unreadable: see `check_file` and `check_whole`; no video stream, damaged, or shorter than its header says.
    """
    path = Path(path)
    check_file(path, VIDEOS)
    check_whole(path)
    times: list[int | None] = []
    keys: list[int | None] = []
    packets, shown, last, whole = 0, 0, 0, True
    with _opened(path) as (container, stream):
        rate = stream.average_rate or stream.guessed_rate
        rate = Fraction(rate).limit_denominator(1_000_000) if rate else None
        has_slices = stream.codec_context.name == "ffv1" and stream.codec_context.extradata  # since version 3
        for packet in container.demux(stream):
            packets += packet.size > 0  # the last one is empty and flushes the decoder
            last = max(last, packet.dts or 0)
            if packet.size == 0 or packet.is_discard:  # discarded: what an edit list cuts off
                continue
            whole &= not packet.is_corrupt
            if has_slices and ffv1_is_damaged(bytes(packet)):
                raise Unreadable(f"frame {len(times)} is damaged: its checksum differs")
            times.append(packet.pts)
            shown += packet.duration or 0
            keys += [packet.pts] if packet.is_keyframe else []
        unit = stream.time_base or Fraction(0)  # seconds
        if container.format.name == "mjpeg":
            rate = None
        if container.format.name == "gif" and shown and unit:  # it states times; FFmpeg guesses a rate
            rate = Fraction(len(times)) / (shown * unit)
        whole &= not _is_cut(container, stream, packets, last)
    if not whole:
        raise Unreadable(f"truncated after {counted(packets, 'frame')}")
    if not times:
        raise Unreadable("has no frames")
    if container.format.name in _BARE or None in times or len(set(times)) < len(times):
        return VideoIndex(len(times), None, np.empty(0, np.int64), rate)
    ordered = np.sort(np.array(times, np.int64))
    if container.format.name != "gif":
        rate = _mean_rate(len(times) - 1, int(ordered[-1] - ordered[0]) * unit, rate)
    first = np.searchsorted(ordered, np.sort(np.array(keys, np.int64)))
    return VideoIndex(len(times), ordered, first, rate, is_even(ordered, float(unit)))


def _mean_rate(steps: int, seconds: Fraction, stated: Fraction | None) -> Fraction | None:
    """Steps from frame to frame a second; the stated rate where the last frame's time agrees, for times are rounded."""
    if not seconds or (stated and abs(seconds * stated - steps) < 0.5):
        return stated
    return (steps / seconds).limit_denominator(1_000_000)


def _is_cut(container: "av.container.InputContainer", stream: "av.VideoStream", packets: int, last: int) -> bool:
    """Whether fewer packets were there than the file declares. last: the greatest decoding time of theirs.

    The header of .mp4 and .mov counts what an edit list cuts off; the index leaves away what it does not need of that.
    The header of .avi counts dropped frames; they come without a packet, yet each takes one unit of decoding time.
    """
    if "mp4" in container.format.name:
        return packets < sum(entry.size > 0 for entry in stream.index_entries)
    if container.format.name == "avi":
        return max(packets, last + 1) < _AVI_KEPT * stream.frames
    return packets < stream.frames


def read_window(
    path: str | Path,
    start: int,
    stride: int,
    count: int,
    change: Callable[[Frame], Frame] = lambda frame: frame,
    index: VideoIndex | None = None,
) -> np.ndarray:
    """Frames start, start + stride, ... as uint8 (count, H, W, 3); `change` is applied to each as it is decoded, so the shape is its.

    change: uint8 (h, w, 3) -> uint8 of any shape, the same for all frames. index: `video_index(path)`, if at hand.
    Raises Unreadable: as `video_index`; a window beyond the end, a damaged frame, frames of several sizes.
    Raises ValueError: start < 0, stride < 1 or count < 1.
    """
    if start < 0 or stride < 1 or count < 1:
        raise ValueError(f"expected start >= 0, stride >= 1, count >= 1, got {start}, {stride}, {count}")
    index = index or video_index(path)
    wanted = range(start, start + stride * (count - 1) + 1, stride)
    if wanted[-1] >= index.frames:
        raise Unreadable(f"has {counted(index.frames, 'frame')}, frame {wanted[-1]} was asked for")
    try:
        frames = _collect(_frames_from(Path(path), index, start), wanted, change)
    except _DistrustedTimestamps:
        frames = _collect(_frames_from(Path(path), index, 0), wanted, change)
    if len(frames) < count:
        raise Unreadable(f"ends before frame {wanted[len(frames)]} of the {index.frames:,} it should have")
    if len({frame.shape for frame in frames}) > 1:
        raise Unreadable("its frames differ in size; scale them to the same size")
    return np.stack(frames)


@contextmanager
def _opened(path: Path) -> Iterator[tuple["av.container.InputContainer", "av.VideoStream"]]:
    """The file's container and first video stream, covers apart. Raises Unreadable, also for FFmpeg's errors in the block."""
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    try:
        with av.open(path, container_options=options, metadata_errors="replace") as container:
            videos = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
            if not videos:
                raise Unreadable("has no video stream")
            if videos[0].metadata.get("alpha_mode") == "1":  # FFmpeg's decoders leave it away and show what it hides
                raise Unreadable("VP8 or VP9 with transparency cannot be read; save it without, or as .png or FFV1")
            if videos[0].codec_context is None:
                raise Unreadable("this PyAV has no decoder for its codec; convert it to H.264")
            videos[0].codec_context.thread_count = 1  # files are decoded in parallel, not their frames
            videos[0].codec_context.options = {"err_detect": "crccheck+explode"}  # an error, where one is noticed
            yield container, videos[0]
    except av.FFmpegError as error:
        raise Unreadable(f"cannot be decoded ({error.strerror})") from error


def _frames_from(path: Path, index: VideoIndex, start: int) -> Iterator[tuple[int, "av.VideoFrame"]]:
    """(number, frame) of a file from the last key frame at or before `start`.

    Raises _DistrustedTimestamps where a frame after a seek is not the one that the packets declare.
    """
    before = index.key_frames[index.key_frames <= start]
    key = int(before[-1]) if before.size else 0
    with _opened(path) as (container, stream):
        if key == 0:
            yield from enumerate(container.decode(stream))
            return
        assert index.times is not None  # without times there are no key frames, so key is 0
        container.seek(int(index.times[key]), stream=stream, backward=True)
        numbers = None
        for frame in container.decode(stream):
            if numbers is None:
                first = int(np.searchsorted(index.times, frame.pts if frame.pts is not None else index.times[-1] + 1))
                if first > start:
                    raise _DistrustedTimestamps
                numbers = counting(first)
            number = next(numbers)
            if number >= index.frames or frame.pts != index.times[number]:
                raise _DistrustedTimestamps
            yield number, frame
        if numbers is None:  # the seek went past the last frame (.ts)
            raise _DistrustedTimestamps


def _collect(
    frames: Iterator[tuple[int, "av.VideoFrame"]], wanted: range, change: Callable[[Frame], Frame]
) -> list[Frame]:
    """The wanted frames; fewer where the file ends early."""
    kept = []
    for number, frame in frames:
        if number in wanted:
            if frame.is_corrupt:
                raise Unreadable(f"frame {number} is damaged")
            kept.append(change(_rgb(frame)))
        if number >= wanted[-1]:
            break
    return kept


def _rgb(frame: "av.VideoFrame") -> Frame:
    """uint8 (H, W, 3), upright. Raises Unreadable: a pixel format, light or orientation that cannot be converted."""
    try:
        matrix = display_matrix(frame)
        pixels = _converted(frame)
        return np.ascontiguousarray(pixels if matrix is None else upright(pixels, matrix))
    except (av.FFmpegError, ValueError) as error:
        raise Unreadable(f"pixels of format {frame.format.name} cannot be converted ({error})") from error


def _converted(frame: "av.VideoFrame") -> Frame:
    """uint8 (h, w, 3), as stored."""
    if frame.color_trc in high_dynamic_range.CURVES:
        return high_dynamic_range.to_srgb(frame)
    if frame.color_trc in high_dynamic_range.REFUSED:
        light = high_dynamic_range.REFUSED[frame.color_trc]
        raise ValueError(f"its transfer characteristic is {light}; convert it to BT.709, sRGB, PQ or HLG")
    parts = frame.format.components
    interpolation = _EXACT if max(part.bits for part in parts) > 8 else None
    if not (frame.format.has_palette or any(part.is_alpha for part in parts)):
        return frame.to_ndarray(format="rgb24", interpolation=interpolation)
    pixels = frame.to_ndarray(format="rgba", interpolation=interpolation)
    opacity = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * opacity + 127) // 255).astype(np.uint8)
