"""A tokenizer of one's own: every block of pixels by its mean colour. As a program: python examples/my_tokenizer.py

docs/add-a-tokenizer.md takes it from here to a row of T1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d

from sweettok.tokenizers.base import Unlearned, check_input


@dataclass(frozen=True)
class Mosaic(Unlearned):
    """A token is a block of `block` x `block` pixels of one frame: its red, green and blue, a byte each."""

    name: str
    frames: int
    size: int
    block: int = 4

    @property
    def bits_per_clip(self) -> float:
        return 24.0 * self.frames * (self.size // self.block) ** 2

    def encode(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) in [-1, 1] -> int64 (B, blocks, 3)."""
        check_input(self, clip)
        colours = avg_pool3d(clip, (1, self.block, self.block))  # (B, 3, T, h, w)
        return ((colours + 1) * 127.5).round().long().flatten(2).mT

    def decode(self, tokens: Tensor) -> Tensor:
        """int64 (B, blocks, 3) -> clip (B, 3, T, H, W)."""
        side = self.size // self.block
        colours = tokens.mT.unflatten(2, (self.frames, side, side)) / 127.5 - 1
        return colours.repeat_interleave(self.block, 3).repeat_interleave(self.block, 4)


if __name__ == "__main__":
    mosaic = Mosaic("mosaic", frames=17, size=32)
    tokens = mosaic.encode(torch.zeros(1, 3, 17, 32, 32))
    print(
        f"tokens {tuple(tokens.shape)}, {mosaic.bits_per_clip:.0f} bits; decoded: {tuple(mosaic.decode(tokens).shape)}"
    )
