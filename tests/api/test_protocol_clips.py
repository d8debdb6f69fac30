"""Files under a protocol hold the pixels that its authors' own reading gives, written anew here."""

import av
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from av.video.reformatter import Interpolation
from PIL import Image

from sweettok.api.frames import open_frames
from sweettok.api.protocol_clips import at_once, fitted, open_protocol_clips
from sweettok.errors import InputError
from sweettok.metrics.protocol import adapted, preset

SIDE = 10


@pytest.fixture(scope="module")
def shots(scene):
    """Three videos of unequal length: uint8 (F, 24, 33, 3) at 60 frames a second."""
    return [scene(frames, 24, 33, seed=frames) for frames in (40, 31, 36)]


@pytest.fixture(scope="module")
def files(shots, write_video, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    paths = [write_video(folder / f"{number}.mkv", frames, rate=60) for number, frames in enumerate(shots)]
    return [open_frames(path) for path in paths]


def small(name, **changes):
    return adapted(preset(name), **({"resolution": SIDE, "frames": 5, "clips": None} | changes))


def torchvision_crop(frames):
    """Resize(10, antialias=True) and CenterCrop(10) of float frames: (T, 24, 33, 3) bytes -> (3, T, 10, 10) in [-1, 1]."""
    floats = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    wide = F.interpolate(floats, (SIDE, int(SIDE * 33 / 24)), mode="bilinear", antialias=True)
    left = int(round((wide.shape[-1] - SIDE) / 2))
    return wide[..., left : left + SIDE].transpose(0, 1) * 2 - 1


def test_larp(files, shots):
    clips = open_protocol_clips(files, small("larp"))
    assert len(clips) == 3 and (clips.frames, clips.size, clips.split) == (5, SIDE, "train")
    for clip, (_, numbers), frames in zip(clips.clips(range(3)), clips.windows, shots, strict=True):
        assert numbers.tolist() == list(range(numbers[0], numbers[0] + 5))
        torch.testing.assert_close(clip, torchvision_crop(frames[numbers]), atol=1e-5, rtol=0)
    assert len({int(numbers[0]) for _, numbers in clips.windows}) > 1
    again = open_protocol_clips(files[::-1], small("larp"))
    assert [int(numbers[0]) for _, numbers in again.windows] != [int(numbers[0]) for _, numbers in clips.windows]


def test_vidtok(files, shots):
    """Every second of 60 frames a second, in chunks of five; the last chunk ends in copies."""
    clips = open_protocol_clips(files, small("vidtok"))
    expected = []
    for frames in shots:
        kept = list(range(0, len(frames), round(60 / 30)))
        chunks = [kept[start : start + 5] for start in range(0, len(kept), 5)]
        expected += [torchvision_crop(frames[chunk + chunk[-1:] * (5 - len(chunk))]) for chunk in chunks]
    torch.testing.assert_close(clips.clips(range(len(clips))), torch.stack(expected), atol=1e-5, rtol=0)


def test_omnitokenizer(files, shots):
    """16 frames a second spread over the file, then the middle; made smaller by FFmpeg's scaler, as decord does, to bytes."""

    def theirs(frames):
        kept = np.linspace(0, len(frames) - 1, int(len(frames) / 60 * 16)).astype(int)
        middle = frames[kept[len(kept) // 2 - 2 : len(kept) // 2 + 3]]
        pictures = (av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in middle)
        scaled = [picture.reformat(SIDE, SIDE, interpolation=Interpolation.BILINEAR) for picture in pictures]
        return np.stack([picture.to_ndarray() for picture in scaled])

    expected = np.stack([theirs(frames) for frames in shots])
    levels = {
        antialias: (open_protocol_clips(files, small("omnitokenizer", antialias=antialias)).clips(range(3)) + 1) * 127.5
        for antialias in (True, False)
    }
    assert torch.equal(levels[True].round(), levels[True].round(decimals=3)), "bytes"
    off = {key: np.abs(found.permute(0, 2, 3, 4, 1).numpy() - expected).mean() for key, found in levels.items()}
    assert off[True] < 3 and off[True] < off[False]


def test_stylegan_v(files, shots):
    """Pillow's Lanczos by the shorter side, the middle, bytes."""
    clips = open_protocol_clips(files, small("stylegan-v"))
    wide = int(SIDE * 33 / 24)
    left = int(round((wide - SIDE) / 2))
    for clip, (number, window) in zip(clips.clips(range(3)), clips.windows, strict=True):
        frames = [
            Image.fromarray(frame).resize((wide, SIDE), Image.Resampling.LANCZOS) for frame in shots[number][window]
        ]
        theirs = np.stack([np.asarray(frame)[:, left : left + SIDE] for frame in frames])
        assert np.abs((clip + 1).mul(127.5).permute(1, 2, 3, 0).numpy() - theirs).max() < 1.01


def test_tokenbench(files, shots):
    """The first 300 frames as they are, of which FVD sees the middle square."""
    protocol = fitted(preset("tokenbench"), files)
    assert (protocol.frames, protocol.resolution, protocol.name) == (31, 24, "tokenbench (frames=31, resolution=24)")
    clips = open_protocol_clips(files, protocol).clips(range(3))
    for clip, frames in zip(clips, shots, strict=True):
        assert np.array_equal((clip + 1).mul(127.5).round().permute(1, 2, 3, 0).numpy(), frames[:31, :, 4:28])


def test_a_protocol_that_files_cannot_give_says_so(files):
    assert fitted(preset("larp"), files).name == "larp (resolution=24)"
    assert fitted(preset("vidtok"), files).frames == 17, "short files are filled up"
    assert fitted(preset("stylegan-v"), files).name == "stylegan-v (resolution=24, clips=3)"
    assert fitted(preset("larp"), files, 9, 16).name == "larp (frames=9, resolution=16)"
    with pytest.raises(InputError, match="wants 2,048 clips, but there are 3 files"):
        open_protocol_clips(files, preset("stylegan-v"))


def test_short_files(files):
    protocol = small("larp", frames=36)
    with pytest.raises(InputError, match=r"1\.mkv has 31 frames, .* 36 .*--skip-shorter"):
        open_protocol_clips(files, protocol)
    clips = open_protocol_clips(files, protocol, skip_shorter=True)
    assert len(clips) == len(clips.files) == 2 and clips.skipped == (files[1],)
    with pytest.raises(InputError, match="41"):
        open_protocol_clips(files, small("larp", frames=41), skip_shorter=True)


@pytest.mark.parametrize("name", ["vidtok", "larp"])
def test_a_picture_is_no_clip(files, name, tmp_path):
    """Also where short clips are filled up with their last frame."""
    Image.fromarray(np.zeros((24, 33, 3), np.uint8)).save(tmp_path / "a.png")
    picture = open_frames(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png has 1 frame, too few for the 5"):
        open_protocol_clips([*files, picture], small(name))
    assert open_protocol_clips([*files, picture], small(name), skip_shorter=True).skipped == (picture,)


def test_a_random_choice_of_files(files):
    chosen = open_protocol_clips(files, small("sweettok-code-generation", clips=2))
    assert len(chosen) == 2 and {file.path for file in chosen.files} < {file.path for file in files}


def test_the_fingerprint_is_of_content_and_protocol(files):
    first, other = (open_protocol_clips(files, small("larp", seed=seed)).fingerprint for seed in (0, 1))
    assert first != other and first != open_protocol_clips(files[:2], small("larp")).fingerprint


def test_few_clips_of_the_papers_size_are_held_at_once():
    assert at_once(9, 16) == 16 and at_once(17, 256) == 5 and at_once(300, 1080) == 1
