"""The first frame, repeated: all of the appearance, none of the motion."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sweettok.tokenizers.base import Unlearned, check_input
from sweettok.video.store import to_float, to_uint8


@dataclass(frozen=True)
class CopyFirstFrame(Unlearned):
    """A token is a pixel of the first frame, with its three bytes."""

    name: str
    frames: int
    size: int

    @property
    def bits_per_clip(self) -> float:
        """Of raw pixels."""
        return 24.0 * self.size**2

    def encode(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) in [-1, 1] -> int64 (B, H W, 3) in [0, 256). Raises ValueError (shape, range)."""
        check_input(self, clip)
        return torch.from_numpy(to_uint8(clip[:, :, :1])).flatten(1, 3).long()

    def decode(self, tokens: Tensor) -> Tensor:
        """int64 (B, H W, 3) -> clip (B, 3, T, H, W)."""
        pixels = tokens.cpu().to(torch.uint8).unflatten(1, (1, self.size, self.size))
        return to_float(pixels.numpy()).expand(-1, -1, self.frames, -1, -1)
