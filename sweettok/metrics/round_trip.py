"""Clips through a tokenizer and back, held to its protocol: what breaks it is one line that names the tokenizer."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sweettok.errors import InputError, out_of_memory
from sweettok.metrics.fidelity import check_pair
from sweettok.metrics.foreign import described, raised

if TYPE_CHECKING:
    from sweettok.tokenizers.base import ClipTokenizer

ASKED = {
    "to": "to(device) gives the tokenizer itself",
    "encode": "encode(clip) gives int64 tokens, (B, tokens) or (B, tokens, indices a token)",
    "decode": "decode(tokens) gives clips of the shape that encode was given, floating point, in [-1, 1]",
    "sizes": "sizes(tokens) gives tensors by name, each (B,) and finite, among them `bits`, at least 0",
}


class RoundTrip:
    """A tokenizer on a device, whoever wrote it. All methods raise InputError where it breaks its protocol.

    It gets copies of clips and tokens, so that it may write into them.
    """

    def __init__(self, tokenizer: "ClipTokenizer", device: str | torch.device) -> None:
        self.name, self.device, self.tokenizer = tokenizer.name, device, tokenizer
        placed = self._call("to", device)
        if not (hasattr(placed, "encode") and hasattr(placed, "decode")):
            raise self._broken("to", f"got {described(placed)}")
        self.tokenizer = placed

    def __call__(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) in [-1, 1] -> what the tokenizer makes of it, on its device."""
        clip = clip.to(self.device)
        return self.decode(self.encode(clip), clip)

    def encode(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) -> int64 tokens on the tokenizer's device."""
        tokens = self._call("encode", clip.to(self.device, copy=True))
        if not (isinstance(tokens, Tensor) and tokens.dtype == torch.int64 and tokens.ndim in (2, 3)):
            raise self._broken("encode", f"got {described(tokens)}")
        if len(tokens) != len(clip) or not tokens.numel():
            raise self._broken("encode", f"of {len(clip)} clips got {described(tokens)}")
        return tokens

    def decode(self, tokens: Tensor, clip: Tensor) -> Tensor:
        """The tokens of `clip` (B, 3, T, H, W), which is on the device -> its reconstruction, float32, there too."""
        decoded = self._call("decode", tokens.clone())
        if not (isinstance(decoded, Tensor) and decoded.is_floating_point()):
            raise self._broken("decode", f"got {described(decoded)}")
        decoded = decoded.to(self.device).float()
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
            raise self._broken("sizes", f"got {described(sizes)}")
        for key, values in sizes.items():
            if not (isinstance(values, Tensor) and values.shape == (len(tokens),)):
                raise self._broken("sizes", f"{key} is {described(values)}")
            if not values.isfinite().all() or (key == "bits" and (values < 0).any()):
                raise self._broken("sizes", f"{key} of a clip is {_worst(values)}")
        return sizes

    def _call(self, method: str, argument: Any) -> Any:
        try:
            return getattr(self.tokenizer, method)(argument)
        except InputError as error:
            raise InputError(f"tokenizer {self.name}: {error}") from error
        except Exception as error:  # whatever another's code raises
            if out_of_memory(error) or type(self.tokenizer).__module__.startswith("sweettok."):
                raise  # the stage says what to lower; a bug of ours keeps its traceback
            raise self._broken(method, raised(type(self.tokenizer), error)) from error

    def _broken(self, method: str, what: str) -> InputError:
        return InputError(
            f"tokenizer {self.name}, {method}: {what}; {ASKED[method]} (sweettok.tokenizers.base.ClipTokenizer)"
        )


def _worst(values: Tensor) -> float:
    """The first that is not finite, else the smallest."""
    strange = values[~values.isfinite()]
    return float(strange[0] if len(strange) else values.min())
