"""Videos of any length as a chain of windows, in constant memory.

A window is a clip of the tokenizer's length, coded by itself. Neighbours share `overlap` frames, which decoding blends
from one window to the next, so that no cut shows; without overlap every frame is coded once. The last window is filled
up by repeating its last frame, and cut again after decoding; a single frame that is left is coded as an image.
Frames come and go one at a time: at most one window and `overlap` frames are in memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sweettok.models.tokenizer import VideoTokenizer


@dataclass(frozen=True)
class Window:
    """tokens (1, N) or (1, N, 3) of a window, and how many of its frames the video has (the others are filling)."""

    tokens: Tensor
    frames: int


def encode_long(tokenizer: VideoTokenizer, frames: Iterable[Tensor], overlap: int = 0) -> Iterator[Window]:
    """Frames (3, H, W) in [-1, 1], one after another or as a tensor (T, 3, H, W) -> windows.

    Raises ValueError for an overlap of more than half a window, and for frames that `VideoTokenizer.encode` refuses.
    """
    _check_overlap(tokenizer, overlap)
    for clip in _windows(frames, tokenizer.frames, overlap):
        count = clip.shape[1]
        filled = clip if count == 1 else torch.cat([clip, clip[:, -1:].expand(-1, tokenizer.frames - count, -1, -1)], 1)
        yield Window(tokenizer.encode(filled[None]), count)


def decode_long(tokenizer: VideoTokenizer, windows: Iterable[Window], overlap: int = 0) -> Iterator[Tensor]:
    """Windows of `encode_long` with the same overlap -> frames (3, H, W), clamped to [-1, 1]. Raises ValueError."""
    _check_overlap(tokenizer, overlap)
    weights = torch.arange(1, overlap + 1)[:, None, None] / (overlap + 1)  # of the later window
    waiting = None  # the end of the last window, for the next to blend with
    for window in windows:
        clip = tokenizer.decode(window.tokens)[0, :, : window.frames]  # (3, frames, H, W)
        if waiting is not None and overlap:
            start = torch.lerp(waiting, clip[:, :overlap], weights.to(clip))
            clip = torch.cat([start, clip[:, overlap:]], dim=1)
        ready = max(0, clip.shape[1] - overlap)
        yield from clip[:, :ready].unbind(1)
        waiting = clip[:, ready:]
    if waiting is not None:
        yield from waiting.unbind(1)


def reconstruct_long(tokenizer: VideoTokenizer, frames: Iterable[Tensor], overlap: int = 0) -> Iterator[Tensor]:
    """decode_long(encode_long(frames)): as many frames as came in, each given as soon as its windows are there."""
    return decode_long(tokenizer, encode_long(tokenizer, frames, overlap), overlap)


def _windows(frames: Iterable[Tensor], length: int, overlap: int) -> Iterator[Tensor]:
    """Frames (3, H, W) -> clips (3, T, H, W) of `length` frames that start `length - overlap` apart; the last is shorter
    where the frames end before it does."""
    held, fresh = [], 0
    for frame in frames:
        held.append(frame)
        fresh += 1
        if len(held) == length:
            yield torch.stack(held, dim=1)
            held, fresh = held[length - overlap :], 0
    if fresh:
        yield torch.stack(held, dim=1)


def _check_overlap(tokenizer: VideoTokenizer, overlap: int) -> None:
    most = tokenizer.frames // 2  # of more, three windows would meet in a frame
    if not 0 <= overlap <= most:
        raise ValueError(f"expected an overlap of 0 to {most} frames for windows of {tokenizer.frames}, got {overlap}")
