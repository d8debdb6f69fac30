"""What every tokenizer of clips can do, whoever wrote it."""

import hashlib
import json
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from sweettok.metrics.fidelity import check_clip


@runtime_checkable
class ClipTokenizer(Protocol):
    """clip (B, 3, T, H, W) in [-1, 1] -> int64 tokens -> clip."""

    @property
    def name(self) -> str:
        """What it is called, as in params.tokenizers."""
        ...

    @property
    def frames(self) -> int:
        """T of its clips."""
        ...

    @property
    def size(self) -> int:
        """H and W of its clips, in pixels."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hex sha256 of all that decides its tokens: weights and settings."""
        ...

    @property
    def bits_per_clip(self) -> float | None:
        """What the tokens of a clip take, from their number and range. None: it depends on the clip (`VariableRate`)."""
        ...

    @property
    def parameter_count(self) -> int:
        """Numbers that were learned."""
        ...

    def to(self, device: str | torch.device) -> Any:
        """Itself, computing on a device from now on."""
        ...

    def encode(self, clip: Tensor) -> Tensor:
        """clip on its device -> int64 (B, tokens), or (B, tokens, indices a token)."""
        ...

    def decode(self, tokens: Tensor) -> Tensor:
        """What `encode` gave -> clips of the same shape, in [-1, 1]."""
        ...


@runtime_checkable
class VariableRate(Protocol):
    """A tokenizer of which each clip takes its own number of bits. Its tokens end in padding, which costs nothing."""

    def sizes(self, tokens: Tensor) -> dict[str, Tensor]:
        """`bits` of each clip (B,), float64, and what else of its size is worth a column."""
        ...


class Unlearned:
    """What tokenizers without weights have in common: dataclasses whose fields, but the name, decide their tokens."""

    parameter_count: ClassVar[int] = 0

    @property
    def fingerprint(self) -> str:
        settings = {key: str(value) for key, value in vars(self).items() if key != "name"}
        return hashlib.sha256(json.dumps([type(self).__qualname__, settings]).encode()).hexdigest()

    def to(self, device: str | torch.device) -> Self:
        """Itself: it computes where its input is."""
        return self


def check_input(tokenizer: ClipTokenizer, clip: Tensor) -> None:
    """Raise ValueError unless clip is (B, 3, frames, size, size) in [-1, 1]."""
    check_clip("clip", clip)
    wanted = (tokenizer.frames, tokenizer.size, tokenizer.size)
    if tuple(clip.shape[2:]) != wanted:
        raise ValueError(f"{tokenizer.name}: expected clips of {wanted}, got {tuple(clip.shape[2:])}")
