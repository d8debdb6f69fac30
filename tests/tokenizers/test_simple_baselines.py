"""Mean colour and the first frame: what they give back, at what size."""

import torch

from sweettok.metrics.fidelity import psnr
from sweettok.tokenizers.copy_first_frame import CopyFirstFrame
from sweettok.tokenizers.mean_colour import MeanColour
from sweettok.video.store import to_float, to_uint8


def through(tokenizer, clip):
    return tokenizer.decode(tokenizer.encode(clip))


def test_mean_colour_is_the_best_single_colour(clips):
    flat = through(MeanColour("mean", 9, 16), clips(4))
    assert torch.equal(flat, clips(4).mean(dim=(2, 3, 4), keepdim=True).expand_as(flat)), "not rounded"
    best = psnr(clips(4), flat)
    for shift in (-0.05, 0.05):
        assert (psnr(clips(4), flat + shift) < best).all()


def test_the_first_frame_is_copied_byte_by_byte(clips):
    stored = to_float(to_uint8(clips(4)))  # as clips of a store are
    copy = through(CopyFirstFrame("copy", 9, 16), stored)
    assert torch.equal(copy, stored[:, :, :1].expand_as(stored))


def test_sizes():
    assert MeanColour("mean", 9, 16).bits_per_clip == 96 and CopyFirstFrame("copy", 9, 16).bits_per_clip == 8 * 3 * 256
