"""One colour a clip: whoever claims to have learned anything must beat it."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from sweettok.metrics.fidelity import psnr
from sweettok.tokenizers.base import Unlearned, check_input
from sweettok.video.store import ClipStore


@dataclass(frozen=True)
class MeanColour(Unlearned):
    """The mean over time and space, which is the single colour with the best PSNR.

    The one token is the colour: red, green and blue as the bits of 32-bit floats.
    """

    name: str
    frames: int
    size: int
    bits_per_clip: ClassVar[float] = 3 * 32.0

    def encode(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) in [-1, 1] -> int64 (B, 1, 3) in [0, 2^32). Raises ValueError (shape, range)."""
        check_input(self, clip)
        colour = clip.float().mean(dim=(2, 3, 4), keepdim=True).reshape(-1, 1, 3)
        return colour.view(torch.int32).long() & 0xFFFFFFFF

    def decode(self, tokens: Tensor) -> Tensor:
        """int64 (B, 1, 3) -> clip (B, 3, T, H, W)."""
        colour = tokens.int().view(torch.float32).reshape(-1, 3, 1, 1, 1)
        return colour.expand(-1, -1, self.frames, self.size, self.size)


def mean_colour_psnr(store: ClipStore, batch_size: int) -> float:
    """Mean PSNR in dB over a split: what a method must beat to have learned anything."""
    tokenizer = MeanColour("mean_colour", store.frames, store.size)
    clips = (store.clips(numbers) for numbers in torch.arange(len(store)).split(batch_size))
    return torch.cat([psnr(clip, tokenizer.decode(tokenizer.encode(clip))) for clip in clips]).mean().item()
