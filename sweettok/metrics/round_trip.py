"""Clips through a tokenizer and back, held to its protocol: what breaks it is one line that names the tokenizer."""

import inspect
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sweettok.errors import InputError, out_of_memory
from sweettok.metrics.fidelity import check_pair

if TYPE_CHECKING:
    from sweettok.tokenizers.base import ClipTokenizer

ASKED = {
    "to": "to(device) gives the tokenizer itself",
    "encode": "encode(clip) gives int64 tokens, (B, tokens) or (B, tokens, indices a token)",
    "decode": "decode(tokens) gives clips of the shape that encode was given, floating point, in [-1, 1]",
    "sizes": "sizes(tokens) gives tensors by name, each (B,), among them `bits`",
}


class RoundTrip:
    """A tokenizer on a device, whoever wrote it. All methods raise InputError where it breaks its protocol."""

    def __init__(self, tokenizer: "ClipTokenizer", device: str | torch.device) -> None:
        self.name, self.device, self.tokenizer = tokenizer.name, device, tokenizer
        placed = self._call("to", device)
        if not (hasattr(placed, "encode") and hasattr(placed, "decode")):
            raise self._broken("to", f"got {_described(placed)}")
        self.tokenizer = placed

    def __call__(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) in [-1, 1], on the CPU -> what the tokenizer makes of it, likewise."""
        return self.decode(self.encode(clip), clip)

    def encode(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) -> int64 tokens on the tokenizer's device."""
        tokens = self._call("encode", clip.to(self.device))
        if not (isinstance(tokens, Tensor) and tokens.dtype == torch.int64 and tokens.ndim in (2, 3)):
            raise self._broken("encode", f"got {_described(tokens)}")
        if len(tokens) != len(clip) or not tokens.numel():
            raise self._broken("encode", f"of {len(clip)} clips got {_described(tokens)}")
        return tokens

    def decode(self, tokens: Tensor, clip: Tensor) -> Tensor:
        """The tokens of `clip` (B, 3, T, H, W) -> its reconstruction, float32, on the CPU."""
        decoded = self._call("decode", tokens)
        if not (isinstance(decoded, Tensor) and decoded.is_floating_point()):
            raise self._broken("decode", f"got {_described(decoded)}")
        decoded = decoded.cpu().float()
        try:
            check_pair(clip, decoded)
        except ValueError as error:
            raise self._broken("decode", str(error)) from error
        return decoded

    def sizes(self, tokens: Tensor) -> dict[str, Tensor]:
        """Of a variable rate: `bits` of each clip (B,), and what else it counts; of a fixed one nothing."""
        if self.tokenizer.bits_per_clip is not None:
            return {}
        sizes = self._call("sizes", tokens)
        if not (isinstance(sizes, dict) and "bits" in sizes):
            raise self._broken("sizes", f"got {_described(sizes)}")
        for key, values in sizes.items():
            if not (isinstance(values, Tensor) and values.shape == (len(tokens),)):
                raise self._broken("sizes", f"{key} is {_described(values)}")
        return sizes

    def _call(self, method: str, argument: Any) -> Any:
        try:
            return getattr(self.tokenizer, method)(argument)
        except InputError as error:
            raise InputError(f"tokenizer {self.name}: {error}") from error
        except Exception as error:  # whatever another's code raises
            if out_of_memory(error) or type(self.tokenizer).__module__.startswith("sweettok."):
                raise  # the stage says what to lower; a bug of ours keeps its traceback
            where = _last_line_in(type(self.tokenizer), error)
            reason = f"raised {type(error).__name__}{where}: {' '.join(str(error).split())[:200]}"
            raise self._broken(method, reason) from error

    def _broken(self, method: str, what: str) -> InputError:
        return InputError(
            f"tokenizer {self.name}, {method}: {what}; {ASKED[method]} (sweettok.tokenizers.base.ClipTokenizer)"
        )


def _described(value: Any) -> str:
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _last_line_in(kind: type, error: Exception) -> str:
    """` in FILE:LINE`: where the class's own file was when an error was raised, for who has to mend it."""
    try:
        own = inspect.getfile(kind)
    except (TypeError, OSError):  # built in, or from a notebook
        return ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    return f" in {Path(own).name}:{lines[-1]}" if lines else ""
