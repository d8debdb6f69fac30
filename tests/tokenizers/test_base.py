"""What the protocol promises, of every tokenizer of this project."""

import math

import pytest
import torch

from sweettok.tokenizers.base import ClipTokenizer, VariableRate

NAMES = ("sweettok", "proxy", "mean_colour", "copy_first_frame", "trilinear", "h264", "av1")
every_tokenizer = pytest.mark.parametrize("name", NAMES)


def test_each_has_a_test(tokenizers):
    assert tuple(tokenizers) == NAMES


@every_tokenizer
def test_clips_come_back_from_whole_numbers(tokenizers, clips, name):
    tokenizer = tokenizers[name].to("cpu")
    assert isinstance(tokenizer, ClipTokenizer) and tokenizer.name == name
    tokens = tokenizer.encode(clips(3))
    assert tokens.dtype == torch.int64 and len(tokens) == 3 and tokens.ndim in (2, 3)
    decoded = tokenizer.decode(tokens)
    assert decoded.shape == clips(3).shape and decoded.dtype == torch.float32 and decoded.abs().max() <= 1
    assert torch.equal(tokenizer.decode(tokenizer.encode(clips(3))), decoded)


def test_the_bits_of_a_fixed_rate(tokenizers, clips):
    expected = {
        "sweettok": 80.0, "proxy": 5 * 16 * math.log2(20), "mean_colour": 96.0,
        "copy_first_frame": 24.0 * 256, "trilinear": 24.0 * 48,
    }  # fmt: skip
    for name, bits in expected.items():
        tokens, rate = tokenizers[name].encode(clips(3)), tokenizers[name].bits_per_clip
        assert rate == pytest.approx(bits, rel=0.1 if name == "sweettok" else 1e-9)
        assert tokens.min() >= 0 and tokens.max() < 2 ** (rate / tokens[0].numel() + 1)


@pytest.mark.parametrize("name", ["h264", "av1"])
def test_the_bits_of_a_variable_rate_are_the_streams(tokenizers, clips, name):
    tokenizer = tokenizers[name]
    tokens = tokenizer.encode(clips(3))
    assert isinstance(tokenizer, VariableRate) and tokenizer.bits_per_clip is None
    assert tokenizer.sizes(tokens)["bits"].tolist() == [8 * int((row >= 0).sum()) for row in tokens]


@every_tokenizer
def test_a_batch_gives_what_each_clip_gives(tokenizers, clips, name):
    tokenizer = tokenizers[name]
    together = tokenizer.decode(tokenizer.encode(clips(3)))
    alone = torch.cat([tokenizer.decode(tokenizer.encode(clip[None])) for clip in clips(3)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@every_tokenizer
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda clip: clip[:, :, :5], r"\(5, 16, 16\)"),
        (lambda clip: clip[..., :8, :8], r"\(9, 8, 8\)"),
        (lambda clip: clip * 100, r"\[-1, 1\]"),
    ],
    ids=["length", "size", "range"],
)
def test_other_clips_are_refused(tokenizers, clips, name, change, named):
    with pytest.raises(ValueError, match=named):
        tokenizers[name].encode(change(clips(1)))


def test_fingerprints_tell_tokenizers_apart(tokenizers):
    assert len({tokenizer.fingerprint for tokenizer in tokenizers.values()}) == len(NAMES)


def test_only_the_trained_have_parameters(tokenizers):
    trained = {name for name, tokenizer in tokenizers.items() if tokenizer.parameter_count}
    assert trained == {"sweettok", "proxy"}
