"""Protocols: presets as published, and what they take from a store."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sweettok.errors import InputError
from sweettok.metrics.extractors import EXTRACTORS
from sweettok.metrics.protocol import (
    PRESETS,
    adapted,
    as_measured,
    first_frames,
    for_store,
    frame_numbers,
    preset,
    resized,
    select,
)
from sweettok.video.store import to_float, to_uint8


class Store:
    """A clip store in memory: pixel value = 10 * clip + frame, in [-1, 1] by to_float."""

    def __init__(self, count=6, frames=20, size=8, split="test"):
        values = np.arange(count)[:, None] * 10 + np.arange(frames)  # (count, frames)
        self._clips = np.broadcast_to(values[..., None, None, None], (count, frames, size, size, 3)).astype(np.uint8)
        self.frames, self.size, self.split, self.fingerprint = frames, size, split, "f" * 64

    def __len__(self):
        return len(self._clips)

    def clips(self, indices):
        return to_float(self._clips[np.asarray(indices)])


def small(name="sweettok-code", **changes):
    return adapted(preset(name), **({"resolution": 8, "clips": None, "split": "test"} | changes))


def shown(selection):
    """(clips, frames): the value of each frame."""
    return to_uint8(selection.clips(range(len(selection))))[:, :, 0, 0, 0]


def test_presets_are_what_paper_md_says():
    ours = {name: (p.frames, p.resolution, p.clips, p.split, p.start, p.covariance) for name, p in PRESETS.items()}
    assert ours == {
        "omnitokenizer": (17, 256, None, "test", "centre", "unbiased"),
        "sweettok-code": (17, 256, 3783, "test", "centre", "unbiased"),
        "sweettok-code-generation": (17, 128, 2048, "train", "centre", "unbiased"),
        "larp": (16, 128, None, "train", "random", "biased"),
        "stylegan-v": (16, 256, 2048, "train", "random", "biased"),
        "tokenbench": (300, 1080, None, "test", "first", "unbiased"),
        "vidtok": (17, 256, None, "test", "every", "biased"),
    }
    for protocol in PRESETS.values():
        assert protocol.extractor in EXTRACTORS and " at " in protocol.source, "the source names a commit"
    with pytest.raises(InputError, match="'tats' .*omnitokenizer, .*vidtok"):
        preset("tats")


def test_a_changed_protocol_says_so_in_its_name():
    base = preset("larp")
    assert adapted(base) is base and adapted(base, frames=16) is base
    assert adapted(base, clips=256, resolution=64).name == "larp (clips=256, resolution=64)"
    assert adapted(adapted(base, clips=256), frames=9).name == "larp (clips=256, frames=9)"
    with pytest.raises(InputError, match="larp: covariance: .*'biased' .*'unbiased'.*'n-1'"):
        adapted(base, covariance="n-1")
    with pytest.raises(InputError, match="larp: size: "):
        adapted(base, size=3)


@given(stored=st.integers(1, 60), frames=st.integers(1, 60), seed=st.integers(0, 5))
def test_windows_lie_inside_the_clip(stored, frames, seed):
    store = Store(frames=stored, size=2)
    for start in ("first", "centre", "random"):
        protocol = small(frames=frames, resolution=2, start=start, seed=seed)
        if frames > stored:
            with pytest.raises(InputError, match=f" {frames} frames, .* {stored}"):
                select(protocol, store)
            continue
        selection = select(protocol, store)
        assert ((selection.starts >= 0) & (selection.starts + frames <= stored)).all()
        values = shown(selection)
        assert np.array_equal(values, 10 * np.arange(6)[:, None] + selection.starts[:, None] + np.arange(frames))


@pytest.mark.parametrize("stored, frames", [(29, 17), (30, 17), (30, 16), (17, 17), (18, 17), (16, 16)])
def test_centre_is_the_published_window(stored, frames):
    """OmniTokenizer's rule: frames // 2 frames before frame stored // 2, the rest from there on."""
    centre = stored // 2
    expected = list(range(centre - frames // 2, centre + frames // 2 + frames % 2))
    found = shown(select(small(frames=frames), Store(frames=stored)))[0]
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("changes", "stored", "rate", "expected"),
    [
        ({"fps": 16, "thinning": "spread", "frames": 4, "start": "centre"}, 50, 25, [22, 23, 25, 26]),
        ({"fps": 16, "thinning": "spread", "frames": 4, "start": "centre"}, 50, 16, [23, 24, 25, 26]),
        ({"fps": 30, "frames": 3, "start": "first"}, 12, 59.94, [0, 2, 4]),
        ({"fps": 30, "frames": 3, "start": "first"}, 12, 44, [0, 1, 2]),
        ({"fps": 30, "frames": 3, "start": "first"}, 12, None, [0, 1, 2]),
        ({"frames": 3, "start": "random"}, 12, 25, [8, 9, 10]),
    ],
)
def test_the_frames_of_a_file(changes, stored, rate, expected):
    """By OmniTokenizer's int(duration x fps) frames of linspace, by VidTok's step of round(rate / fps); 0.85: a draw."""
    (found,) = frame_numbers(small(**changes), stored, rate, 0.85)
    assert found.tolist() == expected


def test_every_window_of_a_file_and_the_last_filled_up():
    protocol = small(frames=4, start="every")
    assert [window.tolist() for window in frame_numbers(protocol, 6, None, 0)] == [[0, 1, 2, 3], [4, 5, 5, 5]]
    assert len(frame_numbers(protocol, 8, None, 0)) == 2 and frame_numbers(small(frames=7), 6, None, 0) == []


def test_a_store_has_neither_rate_nor_files():
    assert for_store(preset("larp")) is preset("larp")
    assert for_store(preset("vidtok")).name == "vidtok (fps=None, start=first)"


def test_random_choice_is_set_by_the_seed():
    store = Store(count=20)
    first, again, other = (
        select(small(clips=7, choice="random", start="random", frames=5, seed=seed), store) for seed in (0, 0, 1)
    )
    assert np.array_equal(first.rows, again.rows) and np.array_equal(first.starts, again.starts)
    assert not np.array_equal(first.rows, other.rows)
    assert len(set(first.rows.tolist())) == 7 and len(set(first.starts.tolist())) > 1
    assert select(small(clips=7, choice="first"), store).rows.tolist() == list(range(7))
    assert len(select(small(), store)) == 20


def test_batches_are_the_clips_in_order():
    selection = select(small(), Store())
    whole = selection.clips(range(6))
    for size in (1, 4, 6):
        assert torch.equal(torch.cat(list(selection.batches(size))), whole)


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"split": "train"}, "train .*test"),
        ({"frames": 21}, "21 frames, .*20"),
        ({"resolution": 256}, "256 pixels, .*8"),
        ({"clips": 3783}, "3783 clips, .*6"),
    ],
)
def test_a_store_that_cannot_give_it_is_refused(changes, named):
    with pytest.raises(InputError, match=named):
        select(small(**changes), Store())


def test_resizing_by_crop_and_by_squash():
    """A left-white, right-black frame, twice as wide as high: the crop sees its middle, the squash all of it."""
    ramp = torch.linspace(-1, 1, 32).expand(2, 3, 5, 16, 32)
    crop, squash = (resized(ramp, small(fit=fit, resolution=8, antialias=True)) for fit in ("crop", "squash"))
    assert crop.shape == squash.shape == (2, 3, 5, 8, 8)
    assert crop[..., 0].mean() == pytest.approx(-0.44, abs=0.05) and squash[..., 0].mean() < -0.85
    assert torch.equal(resized(ramp[..., :16], small(resolution=16)), ramp[..., :16]), "right size: untouched"


def test_antialias_averages_over_what_it_drops():
    checkers = (torch.arange(64) % 2 * 2.0 - 1).expand(1, 3, 1, 64, 64)
    smooth, aliased = (resized(checkers, small(antialias=on, fit="squash")) for on in (True, False))
    assert smooth.abs().max() < 0.15
    assert resized(checkers[..., ::2], small(antialias=False)).abs().min() == 1 and aliased.shape == smooth.shape


def test_pixels_as_the_published_code_makes_them():
    values = torch.tensor([-1.2, -1.0, 0.0, 0.5, 1.0, 1.2]).view(1, 1, 1, 1, 6).expand(1, 3, 1, 1, 6)
    byte = {name: as_measured(values, small(pixels=name))[0, 0, 0, 0] for name in ("round", "truncate", "float")}
    in_bytes = {name: ((tensor + 1) * 127.5).round(decimals=3).tolist() for name, tensor in byte.items()}
    assert in_bytes["round"] == [0, 0, 128, 191, 255, 255]
    assert in_bytes["truncate"] == [0, 0, 127, 191, 255, 255]
    assert in_bytes["float"] == pytest.approx([0, 0, 127.5, 191.25, 255, 255])


def test_generated_clips_take_the_protocols_form():
    clips = torch.rand(2, 3, 20, 8, 8) * 2 - 1
    assert torch.equal(first_frames(clips, small(frames=17)), clips[:, :, :17])
    with pytest.raises(InputError, match="21 frames, .*20"):
        first_frames(clips, small(frames=21))


def test_identity_holds_data_and_protocol():
    selection = select(small(), Store())
    assert selection.identity() == {"data": "f" * 64, "protocol": selection.protocol.model_dump()}
