"""Chains of windows: every frame once, blends that sum to one, constant memory, any number of frames."""

import weakref
from itertools import count, islice

import pytest
import torch

from sweettok.models.long_video import Window, decode_long, encode_long, reconstruct_long

LENGTH = 9


class Recorder:
    """In place of a tokenizer: the tokens of a window are its pixels, so that what comes out shows where it came from."""

    frames = LENGTH

    def __init__(self):
        self.seen = []

    def encode(self, clip):
        self.seen.append(clip)
        return clip

    def decode(self, tokens):
        return tokens


def numbered(frames):
    """Frames (3, 2, 2) that hold their number."""
    return torch.arange(frames, dtype=torch.float32)[:, None, None, None].expand(-1, 3, 2, 2)


@pytest.mark.parametrize("frames", [1, 2, 8, 9, 10, 17, 18, 19, 26, 40])
def test_windows_cover_each_frame_once_without_overlap(frames):
    windows = list(encode_long(Recorder(), numbered(frames)))
    covered = [number for w in windows for number in w.tokens[0, 0, : w.frames, 0, 0].tolist()]
    assert covered == list(range(frames))
    assert {w.frames for w in windows[:-1]} <= {LENGTH} and windows[-1].frames == (frames - 1) % LENGTH + 1


@pytest.mark.parametrize("overlap", [0, 1, 3, 4])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8, 9, 10, 14, 15, 16, 23, 40])
def test_blends_sum_to_one(frames, overlap):
    """Where windows agree on a frame, blending them gives that frame; as many frames come out as went in."""
    out = list(reconstruct_long(Recorder(), numbered(frames), overlap))
    assert len(out) == frames and torch.allclose(torch.stack(out), numbered(frames))


def test_blends_go_evenly_from_one_window_to_the_next():
    """Windows of zeros and of ones, three frames in common."""
    windows = [Window(torch.full((1, 3, LENGTH, 2, 2), float(value)), LENGTH) for value in (0, 1, 0)]
    out = [frame[0, 0, 0].item() for frame in decode_long(Recorder(), windows, overlap=3)]
    assert out == [0] * 6 + [0.25, 0.5, 0.75] + [1] * 3 + [0.75, 0.5, 0.25] + [0] * 6


@pytest.mark.parametrize(
    "frames, overlap, last", [(14, 0, 5), (14, 4, 9), (15, 4, 5), (10, 0, 1), (1, 0, 1), (1, 4, 1)]
)
def test_the_last_window_is_filled_with_its_last_frame(frames, overlap, last):
    tokenizer = Recorder()
    windows = list(encode_long(tokenizer, numbered(frames), overlap))
    assert windows[-1].frames == last
    pixels = tokenizer.seen[-1][0, 0, :, 0, 0]
    assert len(pixels) == (1 if last == 1 else LENGTH)  # a frame alone is an image
    assert pixels[last - 1 :].tolist() == [frames - 1] * (len(pixels) - last + 1)


def test_neighbours_share_the_overlap():
    tokenizer = Recorder()
    list(encode_long(tokenizer, numbered(24), overlap=4))
    first = [clip[0, 0, 0, 0, 0].item() for clip in tokenizer.seen]
    assert first == [0, 5, 10, 15]


@pytest.mark.parametrize("overlap", [0, 4])
def test_memory_is_constant(overlap):
    """An endless video: frames come out as soon as their windows are there, and those given out are let go."""
    alive = weakref.WeakSet()

    def endless():
        for number in count():
            frame = torch.full((3, 2, 2), float(number))
            alive.add(frame)
            yield frame

    most = 0
    for number, frame in enumerate(islice(reconstruct_long(Recorder(), endless(), overlap), 300)):
        assert frame[0, 0, 0] == number
        most = max(most, len(alive))
    assert most <= LENGTH + overlap + 1


def test_nothing_in_nothing_out():
    assert list(reconstruct_long(Recorder(), iter([]))) == []


@pytest.mark.parametrize("overlap", [-1, 5])
def test_an_overlap_of_more_than_half_a_window_is_refused(overlap):
    with pytest.raises(ValueError, match=f"overlap .*0 to 4 .* {overlap}$"):
        list(encode_long(Recorder(), numbered(3), overlap))
    with pytest.raises(ValueError, match=f"overlap .*0 to 4 .* {overlap}$"):
        list(decode_long(Recorder(), [], overlap))


@pytest.mark.parametrize("overrides", [{}, {"lookup": "composed"}, {"architecture": "downsample"}])
def test_windows_of_a_model_are_its_clips(make_model, clips, overrides):
    model, video = make_model(**overrides), torch.cat([clips(1, seed) for seed in range(3)], dim=2)[0]  # 27 frames
    frames = video[:, :22].unbind(1)
    out = torch.stack(list(reconstruct_long(model, frames)), dim=1)
    filled = torch.cat([video[:, 18:22], video[:, 21:22].expand(-1, 5, -1, -1)], dim=1)
    expected = [model.reconstruct(clip[None])[0] for clip in (video[:, :9], video[:, 9:18], filled)]
    assert torch.equal(out, torch.cat(expected, dim=1)[:, :22])
    image = list(reconstruct_long(model, frames[:1]))
    assert torch.equal(image[0], model.reconstruct(video[None, :, :1])[0, :, 0]) and len(image) == 1


def test_frames_that_are_no_frames_are_refused(make_model):
    with pytest.raises(ValueError, match=r"\[-1, 1\].*255\]"):
        list(reconstruct_long(make_model(), [torch.full((3, 16, 16), 255.0)]))
