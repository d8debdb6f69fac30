"""Tokenizers of others, held to the protocol: each breach is one line that names the tokenizer and what is asked."""

from dataclasses import dataclass

import pytest
import torch
from function_tokenizer import FunctionTokenizer

from sweettok.errors import InputError
from sweettok.metrics.round_trip import RoundTrip
from sweettok.tokenizers.mean_colour import MeanColour

CLIP = torch.linspace(-1, 1, 2 * 3 * 5 * 16 * 16).view(2, 3, 5, 16, 16)
TOKENS = torch.zeros(2, 4, dtype=torch.int64)


@dataclass
class Foreign(FunctionTokenizer):
    """Whatever a test wants it to give; an exception is raised."""

    placed: object = None
    tokens: object = None
    counted: object = None

    def to(self, device):
        return self if self.placed is None else self.placed

    def encode(self, clip):
        return super().encode(clip) if self.tokens is None else given(self.tokens)

    def sizes(self, tokens):
        return given(self.counted)


def given(value):
    if isinstance(value, Exception):
        raise value
    return value


def test_clips_come_back_as_float32():
    found = RoundTrip(Foreign(lambda clip: clip.double() / 2), "cpu")(CLIP)
    assert found.dtype == torch.float32 and torch.equal(found, CLIP / 2)


@pytest.mark.parametrize(
    ("tokens", "named"),
    [
        (CLIP, r"encode: got torch.float32 \(2, 3, 5, 16, 16\); .*int64"),
        (torch.zeros(2, 4), r"encode: got torch.float32 \(2, 4\)"),
        (TOKENS.int(), r"encode: got torch.int32 \(2, 4\)"),
        (TOKENS[0], r"encode: got torch.int64 \(4,\)"),
        (TOKENS[:1], r"encode: of 2 clips got torch.int64 \(1, 4\)"),
        (TOKENS[:, :0], r"encode: of 2 clips got torch.int64 \(2, 0\)"),
        (TOKENS.tolist(), "encode: got list"),
        (KeyError("codes"), r"encode: raised KeyError in test_round_trip.py:\d+: 'codes'; encode\(clip\) gives"),
        (RuntimeError("a\nb"), r"encode: raised RuntimeError in \S+: a b; "),
        (InputError("weights are not here"), "tokenizer function: weights are not here"),
    ],
)
def test_what_encode_gives(tokens, named):
    with pytest.raises(InputError, match=named):
        RoundTrip(Foreign(lambda clip: clip, tokens=tokens), "cpu").encode(CLIP)


@pytest.mark.parametrize(
    ("decode", "named"),
    [
        (lambda clip: clip * 3, r"decode: .*\[-1, 1\], got \[-3, 3\]; .*decode\(tokens\) gives"),
        (lambda clip: clip * torch.nan, "decode: .*nan"),
        (lambda clip: clip[:, :, :4], r"decode: .*\(2, 3, 5, 16, 16\), got \(2, 3, 4, 16, 16\)"),
        (lambda clip: clip[..., :8], r"decode: .*\(2, 3, 5, 16, 16\), got \(2, 3, 5, 16, 8\)"),
        (lambda clip: clip.transpose(1, 2), r"decode: .*\(2, 5, 3, 16, 16\)"),
        (lambda clip: clip.mul(127).byte(), "decode: got torch.uint8"),
        (lambda clip: None, "decode: got NoneType"),
        (lambda clip: clip.view(7), "decode: raised RuntimeError"),
    ],
)
def test_what_decode_gives(decode, named):
    with pytest.raises(InputError, match=f"tokenizer function, {named}"):
        RoundTrip(Foreign(decode), "cpu")(CLIP)


@pytest.mark.parametrize(
    ("counted", "named"),
    [
        (None, "sizes: got NoneType"),
        ({"bytes": torch.ones(2)}, "sizes: got dict; .*`bits`"),
        ({"bits": 3.0}, "sizes: bits is float"),
        ({"bits": torch.ones(2), "header": torch.ones(1)}, r"sizes: header is torch.float32 \(1,\)"),
        ({"bits": torch.tensor([3.0, -1.0])}, "sizes: bits of a clip is -1.0; .*at least 0"),
        ({"bits": torch.tensor([3.0, torch.nan])}, "sizes: bits of a clip is nan"),
        ({"bits": torch.ones(2), "entropy": torch.tensor([0, torch.inf])}, "sizes: entropy of a clip is inf"),
        (ZeroDivisionError("by zero"), "sizes: raised ZeroDivisionError"),
    ],
)
def test_sizes_of_a_variable_rate(counted, named):
    with pytest.raises(InputError, match=named):
        RoundTrip(Foreign(lambda clip: clip, bits_per_clip=None, counted=counted), "cpu").sizes(TOKENS)


def test_a_size_of_no_bits_is_one():
    found = {"bits": torch.zeros(2)}
    assert RoundTrip(Foreign(lambda clip: clip, bits_per_clip=None, counted=found), "cpu").sizes(TOKENS) is found


def test_to_gives_a_tokenizer():
    with pytest.raises(InputError, match="function, to: got int"):
        RoundTrip(Foreign(lambda clip: clip, placed=7), "cpu")


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_want_of_memory_is_left_to_the_stage(error):
    with pytest.raises(type(error)):
        RoundTrip(Foreign(lambda clip: given(error)), "cpu")(CLIP)


def test_a_bug_of_ours_keeps_its_traceback():
    with pytest.raises(ValueError, match="expected") as raised:
        RoundTrip(MeanColour("mean", 5, 16), "cpu").encode(CLIP[:, :, :4])
    assert not isinstance(raised.value, InputError)
