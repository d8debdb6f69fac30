"""Classical codecs: what comes back, and that the bits counted are those that are decoded."""

from dataclasses import replace
from io import BytesIO

import av
import numpy as np
import pytest
import torch

from sweettok.errors import InputError
from sweettok.metrics.fidelity import psnr
from sweettok.params import CodecPoint
from sweettok.tokenizers.codecs import (
    CODECS,
    CodecTokenizer,
    at_point,
    bits_without_headers,
    coded_grid,
    decode,
    encode,
    nal_units,
    open_bitstream_units,
    streams_of,
)
from sweettok.tokenizers.mean_colour import MeanColour
from sweettok.tokenizers.trilinear import Trilinear
from sweettok.video.store import to_float, to_uint8

every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
GOOD, BAD = 12, 45
FULL = CodecPoint(crf=BAD, time=1, space=1)


def moving(frames=17, size=32, seed=0):
    """A grey square that moves over a slope: uint8 (T, H, W, 3)."""
    start = 2 + seed
    clip = np.tile(np.linspace(40, 120, size).astype(np.uint8)[None, None, :, None], (frames, size, 1, 3))
    for time, frame in enumerate(clip):
        frame[start : start + size // 3, start + time // 2 : start + time // 2 + size // 3] = 200
    return clip


def tokenizer(codec, point=FULL, frames=17, size=32):
    return CodecTokenizer(codec.name, frames, size, codec.name, point)


def through(tokenizer, clips):
    return tokenizer.decode(tokenizer.encode(clips))


def error(clip, other):
    return psnr(to_float(clip[None]), to_float(other[None])).item()


@every_codec
@pytest.mark.parametrize(("frames", "size"), [(17, 32), (17, 16), (5, 64), (1, 32)])
def test_a_good_quality_gives_the_clip_back(codec, frames, size):
    clip = moving(frames, size)
    decoded = decode(codec, encode(codec, clip, GOOD))
    assert decoded.shape == clip.shape and decoded.dtype == np.uint8
    assert error(clip, decoded) > 33


@every_codec
def test_a_worse_quality_costs_fewer_bits_and_gives_less_back(codec):
    clip = moving()
    good, bad = (encode(codec, clip, quality) for quality in (GOOD, BAD))
    assert len(bad) < len(good) and bits_without_headers(codec, bad) < bits_without_headers(codec, good)
    assert error(clip, decode(codec, bad)) < error(clip, decode(codec, good))


@every_codec
def test_a_clip_gives_the_same_bytes_every_time(codec):
    assert encode(codec, moving(), BAD) == encode(codec, moving(), BAD)


@every_codec
def test_what_is_left_out_changes_no_pixel(codec):
    whole = replace(codec, unread=frozenset())
    counted, everything = encode(codec, moving(), BAD), encode(whole, moving(), BAD)
    assert 0 < bits_without_headers(codec, counted) == bits_without_headers(codec, everything) < 8 * len(counted)
    assert np.array_equal(decode(codec, counted), decode(codec, everything))


def test_x264_notes_are_not_counted():
    codec = CODECS["h264"]
    everything = encode(replace(codec, unread=frozenset()), moving(), BAD)
    counted = encode(codec, moving(), BAD)
    assert b"x264" in everything and b"x264" not in counted and len(counted) < len(everything)


@every_codec
def test_a_stream_has_one_key_frame(codec):
    """As FFmpeg's own demuxer of raw streams sees it: an independent reading of the same bytes."""
    stream = encode(codec, moving(), BAD)
    with av.open(BytesIO(stream), format={"h264": "h264", "av1": "obu"}[codec.name]) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert [packet.is_keyframe for packet in packets].count(True) == 1 and packets[0].is_keyframe
    assert sum(packet.size for packet in packets) == len(stream)


def test_nal_units_of_a_stream():
    stream = b"\0\0\0\1\x67abc" + b"\0\0\1\x68d" + b"\0\0\1\x65\0\0\3xyz"
    units = list(nal_units(stream))
    assert [unit.kind for unit in units] == [7, 8, 5]  # sequence parameters, picture parameters, a key frame's slice
    assert [unit.bare for unit in units] == [4, 2, 7]
    assert b"".join(unit.whole for unit in units) == stream
    with pytest.raises(ValueError, match="H.264"):
        list(nal_units(b"\x67abc"))


def test_units_of_an_av1_stream():
    long = b"\x32\xc8\x01" + bytes(200)  # a frame of 200 bytes: 0xc8 0x01 in leb128
    extended = b"\x36\x08\x02ab"  # with the extension byte
    stream = b"\x12\x00" + b"\x0a\x03abc" + long + extended
    units = list(open_bitstream_units(stream))
    assert [unit.kind for unit in units] == [2, 1, 6, 6]  # delimiter, sequence header, frames
    assert [unit.bare for unit in units] == [1, 4, 201, 4]
    assert b"".join(unit.whole for unit in units) == stream
    with pytest.raises(ValueError, match="OBU"):
        list(open_bitstream_units(b"\x30abc"))


@every_codec
@pytest.mark.parametrize("point", [FULL, CodecPoint(crf=BAD, time=4, space=2)], ids=["full", "reduced"])
def test_each_clip_is_coded_alone(codec, point):
    clips = to_float(np.stack([moving(seed=seed) for seed in range(3)]))
    coder = tokenizer(codec, point)
    together, alone = coder.encode(clips), [coder.encode(clip[None]) for clip in clips]
    assert streams_of(together) == [stream for tokens in alone for stream in streams_of(tokens)]
    sizes = coder.sizes(together)
    assert sizes["bits"].tolist() == [8 * len(stream) for stream in streams_of(together)]
    assert (sizes["bits"] > sizes["bits_without_headers"]).all()
    decoded = coder.decode(together)
    assert torch.equal(decoded, torch.cat([coder.decode(tokens) for tokens in alone]))
    assert (psnr(clips, decoded) > psnr(clips, through(MeanColour("mean", 17, 32), clips))).all()


@every_codec
def test_tokens_are_the_bytes_of_the_stream(codec):
    (stream,) = streams_of(tokenizer(codec).encode(to_float(moving()[None])))
    assert stream == encode(codec, moving(), BAD)


@every_codec
def test_at_full_size_nothing_is_resized(codec):
    clip = moving()
    (decoded,) = to_uint8(through(tokenizer(codec), to_float(clip[None])))
    assert np.array_equal(decoded, decode(codec, encode(codec, clip, BAD)))


@every_codec
def test_a_reduced_clip_is_a_coded_trilinear_one(codec):
    """At a good quality nothing but the resizing is lost, and that is the trilinear baseline's."""
    clips = to_float(moving()[None])
    reduced = through(tokenizer(codec, CodecPoint(crf=1, time=4, space=2)), clips)
    assert psnr(through(Trilinear("trilinear", 17, 32, (5, 16, 16)), clips), reduced).item() > 35


def test_a_fingerprint_is_of_codec_and_point():
    tokenizers = [at_point("any", 17, 32, codec, crf) for codec in CODECS for crf in (20, 30)]
    assert len({coder.fingerprint for coder in tokenizers}) == 4
    assert tokenizers[0].fingerprint == at_point("other", 17, 32, "h264", 20).fingerprint
    with pytest.raises(InputError, match="h265.*h264, av1"):
        at_point("any", 17, 32, "h265", 20)


def test_the_size_at_which_a_clip_is_coded():
    point = CodecPoint(crf=1, time=4, space=2)
    assert coded_grid(point, (17, 32, 64)) == (5, 16, 32) and coded_grid(point, (1, 32, 32)) == (1, 16, 16)
    assert coded_grid(FULL, (17, 32, 64)) == (17, 32, 64)


def test_an_encoder_that_is_absent_is_named():
    with pytest.raises(InputError, match=r"encoder libnothing .*codecs\.h264"):
        encode(replace(CODECS["h264"], encoder="libnothing"), moving(), BAD)


def test_a_clip_that_the_encoder_refuses_is_named():
    with pytest.raises(InputError, match=r"libsvtav1 .*5x2x2 .*codecs\.av1"):
        encode(CODECS["av1"], moving(5, 8)[:, :2, :2], BAD)


def test_bad_clips():
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        tokenizer(CODECS["h264"]).encode(torch.full((1, 3, 17, 32, 32), 2.0))
