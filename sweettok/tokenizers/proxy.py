"""The proxy behind the protocol: one code a patch (the row SweetTok*)."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from sweettok.models.proxy import ProxyTokenizer
from sweettok.tokenizers.base import check_input
from sweettok.training.curriculum import load_proxy, weights_hash


@dataclass(frozen=True)
class Proxy:
    """A trained proxy for clips of one length and size; it is convolutional, so that any would do."""

    name: str
    frames: int
    size: int
    network: ProxyTokenizer
    fingerprint: str

    @property
    def latent(self) -> tuple[int, int]:
        """Codes of a clip: latent frames, patches a frame."""
        patches = self.network.patches
        return 1 + (self.frames - 1) // patches.temporal, (self.size // patches.spatial) ** 2

    @property
    def bits_per_clip(self) -> float:
        """log2 of the codes that a patch may have, summed."""
        frames, patches = self.latent
        return frames * patches * self.network.bits_per_patch

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.network.parameters())

    def to(self, device: str | torch.device) -> Self:
        self.network.to(device)
        return self

    def encode(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) in [-1, 1] -> int64 (B, patches). Raises ValueError (shape, range)."""
        check_input(self, clip)
        return self.network.encode(clip).flatten(1)

    def decode(self, tokens: Tensor) -> Tensor:
        """int64 (B, patches) -> clip, clamped to [-1, 1]. Raises ValueError for an index out of range."""
        return self.network.decode(tokens.unflatten(1, self.latent))


def from_folder(name: str, frames: int, size: int, folder: str) -> Proxy:
    """The proxy that stage train_proxy left in a folder. Raises InputError (absent, damaged)."""
    network = load_proxy(folder)
    return Proxy(name, frames, size, network, weights_hash(network))
