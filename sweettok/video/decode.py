"""Frames of video files (PyAV): frame-accurate windows whose cost depends on the window, not on the file.

Frame n of a file is the n-th frame its decoder gives, in presentation order. A window is read by a seek to the last key
frame before it and decoding forward, checked against the timestamps of all packets; where these cannot be trusted
(absent, repeated, or other than what the decoder then gives: some .avi, .mpg) the file is decoded from its start.
One frame is held at a time, beside those kept.

What a frame becomes: RGB; rotation as its metadata says (quarter turns); transparent parts composited on black; the
pixels as stored, so a non-square pixel aspect is not applied, as in the published evaluation pipelines.
"""

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count as counting
from pathlib import Path

import av
import numpy as np

ENDINGS = (".avi", ".mp4", ".mkv", ".mpg", ".webm", ".gif")
_CONTAINERS = "avi,matroska,webm,mov,mp4,mpeg,mpegts,mpegvideo,gif"  # none that names other files or addresses
_AVI_KEPT = 0.9  # of the frames an .avi announces, at least: its header counts dropped frames as well
Frame = np.ndarray


class Unreadable(Exception):
    """A file or window cannot be decoded; the message is the reason, in a few words."""


class _DistrustedTimestamps(Exception):
    """The decoder's frames do not come at the timestamps of the packets."""


@dataclass(frozen=True)
class VideoIndex:
    """A file's frames as its packets tell, without decoding.

    times: (frames,) int64, increasing, in the stream's time base; None where timestamps are absent or repeat.
    key_frames: (keys,) int64, increasing frame numbers at which decoding may start (empty without times).
    """

    frames: int
    times: np.ndarray | None
    key_frames: np.ndarray


def check_file(path: Path, endings: tuple[str, ...]) -> None:
    """Raises Unreadable: absent, a folder or device, of another ending, empty."""
    try:
        status = path.stat()
    except OSError as error:
        raise Unreadable(f"absent ({error.strerror})") from error
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable("not a file" if not stat.S_ISDIR(status.st_mode) else "a folder, not a file")
    if path.suffix.lower() not in endings:
        raise Unreadable(f"ending {path.suffix!r} is none of {' '.join(endings)}")
    if status.st_size == 0:
        raise Unreadable("empty (0 bytes)")


def video_index(path: str | Path) -> VideoIndex:
    """Count a file's frames and find its key frames by reading all packets of its first video stream.

    Raises Unreadable: see `check_file`; no video stream, damaged, or shorter than its header says.
    """
    path = Path(path)
    check_file(path, ENDINGS)
    times, keys, packets, whole = [], [], 0, True
    with _opened(path) as (container, stream):
        promised = stream.frames * (_AVI_KEPT if container.format.name == "avi" else 1)
        for packet in container.demux(stream):
            packets += packet.size > 0  # the last one is empty and flushes the decoder
            if packet.size == 0 or packet.is_discard:  # discarded: what an edit list cuts off
                continue
            whole &= not packet.is_corrupt
            times.append(packet.pts)
            keys += [packet.pts] if packet.is_keyframe else []
    if not times:
        raise Unreadable("no frames")
    if not whole or packets < promised:
        raise Unreadable(f"truncated after {packets} frames")
    if None in times or len(set(times)) < len(times):
        return VideoIndex(len(times), None, np.empty(0, np.int64))
    ordered = np.sort(np.array(times, np.int64))
    return VideoIndex(len(times), ordered, np.searchsorted(ordered, np.sort(np.array(keys, np.int64))))


def read_window(
    path: str | Path,
    start: int,
    stride: int,
    count: int,
    change: Callable[[Frame], Frame] = lambda frame: frame,
    index: VideoIndex | None = None,
) -> np.ndarray:
    """Frames start, start + stride, ... as uint8 (count, H, W, 3); `change` is applied to each as it is decoded.

    change: uint8 (h, w, 3) -> uint8 (H, W, 3), the same size for all frames. index: `video_index(path)`, if at hand.
    Raises Unreadable: as `video_index`; a window beyond the end, a damaged frame, frames of several sizes.
    Raises ValueError: start < 0, stride < 1 or count < 1.
    """
    if start < 0 or stride < 1 or count < 1:
        raise ValueError(f"expected start >= 0, stride >= 1, count >= 1, got {start}, {stride}, {count}")
    index = index or video_index(path)
    wanted = range(start, start + stride * (count - 1) + 1, stride)
    if wanted[-1] >= index.frames:
        raise Unreadable(f"has {index.frames} frames, frame {wanted[-1]} was asked for")
    try:
        frames = _collect(_frames_from(Path(path), index, start), wanted, change)
    except _DistrustedTimestamps:
        frames = _collect(_frames_from(Path(path), index, 0), wanted, change)
    if len(frames) < count:
        raise Unreadable(f"ends before frame {wanted[len(frames)]} of the {index.frames} it should have")
    if len({frame.shape for frame in frames}) > 1:
        raise Unreadable("frames of several sizes")
    return np.stack(frames)


@contextmanager
def _opened(path: Path) -> Iterator[tuple["av.container.InputContainer", "av.VideoStream"]]:
    """The file's container and first video stream. Raises Unreadable, also for FFmpeg's errors in the block."""
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    try:
        with av.open(path, container_options=options, metadata_errors="replace") as container:
            videos = container.streams.video
            if not videos:
                raise Unreadable("no video stream")
            if videos[0].codec_context is None:
                raise Unreadable("no decoder for its codec")
            videos[0].codec_context.thread_count = 1  # files are decoded in parallel, not their frames
            yield container, videos[0]
    except av.FFmpegError as error:
        raise Unreadable(f"cannot be decoded ({error.strerror})") from error


def _frames_from(path: Path, index: VideoIndex, start: int) -> Iterator[tuple[int, "av.VideoFrame"]]:
    """(number, frame) of a file from the last key frame at or before `start`.

    Raises _DistrustedTimestamps where a frame after a seek is not the one that the packets announce.
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
    """uint8 (H, W, 3), upright. Raises Unreadable: a pixel format that cannot be converted."""
    transparent = frame.format.has_palette or any(component.is_alpha for component in frame.format.components)
    try:
        pixels = frame.to_ndarray(format="rgba" if transparent else "rgb24")
    except (av.FFmpegError, ValueError) as error:
        raise Unreadable(f"pixel format {frame.format.name} cannot be converted") from error
    if transparent:
        opacity = pixels[..., 3:].astype(np.uint16)
        pixels = ((pixels[..., :3] * opacity + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
