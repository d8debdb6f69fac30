"""A tokenizer made of a function from clip to clip: its tokens are the clip's own numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class FunctionTokenizer:
    """For tests that need what comes out of a tokenizer, not what lies between."""

    function: Callable[[Tensor], Tensor]
    shape: tuple[int, ...] = ()
    name: str = "function"
    frames: int = 9
    size: int = 16
    fingerprint: str = ""
    bits_per_clip: float = 0.0
    parameter_count: int = 0

    def to(self, device):
        return self

    def encode(self, clip):
        self.shape = clip.shape[1:]
        return clip.contiguous().view(torch.int32).flatten(1).long()

    def decode(self, tokens):
        return self.function(tokens.int().view(torch.float32).unflatten(1, self.shape))
