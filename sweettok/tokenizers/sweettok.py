"""This project's own tokenizer behind the protocol: any folder with a model, its ablation variants included."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from sweettok.metrics.reconstruction import code_size, parameter_counts
from sweettok.metrics.tokens_kept import bits_kept, kept_of, shortened
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


@dataclass(frozen=True)
class Shortened(SweetTokTokenizer):
    """One trained with tail drop, of which every clip keeps a share (0, 1] of each group's tokens."""

    share: float = 1.0

    @property
    def bits_per_clip(self) -> float:
        """Of the tokens kept, with those that tell how many they are."""
        return bits_kept(self.model, kept_of(self.model, self.share))

    def decode(self, tokens: Tensor) -> Tensor:
        """All tokens -> clip, of which only the kept ones are shown to the decoder."""
        return self.model.decode(shortened(self.model, tokens, kept_of(self.model, self.share)))


def from_folder(name: str, frames: int, size: int, folder: str) -> SweetTokTokenizer:
    """The model of a folder, such as outputs/model. Raises InputError (absent, damaged)."""
    return wrapped(name, VideoTokenizer.load(folder))


def wrapped(name: str, model: VideoTokenizer) -> SweetTokTokenizer:
    """A model that is in memory, on the CPU, behind the protocol."""
    return SweetTokTokenizer(name, model, weights_hash(model))
