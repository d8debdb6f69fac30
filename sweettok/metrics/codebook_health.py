"""Which words a tokenizer uses, and how evenly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


class CodebookHealth:
    """Counts how often each of `size` addressable words is used by one token group.

    counts  int64 (size,)
    labels  the words themselves, or None for a learned codebook
    """

    def __init__(self, size: int, labels: Sequence[str] | None = None):
        if size < 1:
            raise ValueError(f"a codebook has at least 1 word, got {size}")
        if labels is not None and len(labels) != size:
            raise ValueError(f"expected {size} labels, one a word, got {len(labels)}")
        self.size = size
        self.labels = None if labels is None else list(labels)
        self.counts = np.zeros(size, dtype=np.int64)

    def update(self, indices: ArrayLike) -> "CodebookHealth":
        """Count indices of any shape (array or CPU tensor of integers in [0, size)). Raises ValueError."""
        indices = np.asarray(indices)
        if indices.dtype.kind not in "iu":
            raise ValueError(f"word indices must be integers, got {indices.dtype}")
        if indices.size and not (indices.min() >= 0 and indices.max() < self.size):
            raise ValueError(f"word indices must be in [0, {self.size}), got [{indices.min()}, {indices.max()}]")
        self.counts += np.bincount(indices.ravel(), minlength=self.size)
        return self

    def merge(self, other: "CodebookHealth") -> "CodebookHealth":
        """The counts of both together. Raises ValueError where the codebooks differ."""
        if self.size != other.size or self.labels != other.labels:
            raise ValueError(f"cannot merge counts of different codebooks ({self.size} and {other.size} words)")
        both = CodebookHealth(self.size, self.labels)
        both.counts = self.counts + other.counts
        return both

    @property
    def used(self) -> int:
        """How many words occur at least once."""
        return int(np.count_nonzero(self.counts))

    @property
    def usage(self) -> float:
        """Share of the addressable words that occur at least once, in [0, 1]."""
        return self.used / self.size

    @property
    def entropy(self) -> float:
        """Entropy of the word distribution in bits, in [0, log2 size]. Raises ValueError where nothing was counted."""
        if not self.counts.any():
            raise ValueError("the entropy of a codebook needs counted indices, got none")
        shares = self.counts[self.counts > 0] / self.counts.sum()
        return max(0.0, float(-(shares * np.log2(shares)).sum()))

    @property
    def perplexity(self) -> float:
        """2^entropy: the number of words that, equally used, would have this entropy; in [1, size]."""
        return 2.0**self.entropy

    def summary(self) -> dict[str, Any]:
        """What a summary of outputs/reconstruction holds under `codebook.<group>`."""
        return {
            "words": self.size,
            "used": self.used,
            "usage": self.usage,
            "perplexity": self.perplexity,
            "counts": self.counts.tolist(),
            "labels": self.labels,
        }
