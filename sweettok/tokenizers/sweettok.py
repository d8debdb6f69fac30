"""This project's own tokenizer behind the protocol: any folder with a model, its ablation variants included."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from sweettok.metrics.reconstruction import code_size, parameter_counts
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.training.curriculum import weights_hash


@dataclass(frozen=True)
class SweetTokTokenizer:
    """A trained VideoTokenizer. fingerprint: of its weights (`weights_hash`)."""

    name: str
    model: VideoTokenizer
    fingerprint: str

    @property
    def frames(self) -> int:
        return self.model.frames

    @property
    def size(self) -> int:
        return self.model.size

    @property
    def bits_per_clip(self) -> float:
        """log2 of the words that a token may be, summed."""
        return code_size(self.model)["bits"]

    @property
    def parameter_count(self) -> int:
        return parameter_counts(self.model)["parameters"]

    def to(self, device: str | torch.device) -> Self:
        self.model.to(device)
        return self

    def encode(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) in [-1, 1] -> int64, spatial tokens first. Raises ValueError (shape, range)."""
        return self.model.encode(clip)

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens -> clip, clamped to [-1, 1]. Raises ValueError (their number, an index outside the vocabulary)."""
        return self.model.decode(tokens)


def from_folder(name: str, frames: int, size: int, folder: str) -> SweetTokTokenizer:
    """The model of a folder, such as outputs/model. Raises InputError (absent, damaged)."""
    return wrapped(name, VideoTokenizer.load(folder))


def wrapped(name: str, model: VideoTokenizer) -> SweetTokTokenizer:
    """A model that is in memory, on the CPU, behind the protocol."""
    return SweetTokTokenizer(name, model, weights_hash(model))
