"""Frozen word vectors from providers chosen by name.

A provider turns words into unit vectors; the codebook keeps its name and the fingerprint of what made them.
"""

import hashlib
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from sweettok.errors import InputError
from sweettok.language.tagging import TaggedCaption


class WordVectors(ABC):
    """A frozen map from words to vectors of length 1.

    name: the provider's name in params; fingerprint: hex sha256 of what the vectors depend on; dim: their size.
    """

    name: str
    fingerprint: str
    dim: int

    def learn(self, captions: list[TaggedCaption]) -> "WordVectors":
        """Read the captions that the words come from, before the first `embed`; returns the provider.

        Most have weights of their own and learn nothing here.
        """
        return self

    @abstractmethod
    def embed(self, words: list[str]) -> torch.Tensor:
        """Unit vectors, float32 (len(words), dim), on the CPU; the same words in the same order give the same bits."""


class Hashed(WordVectors):
    """A random direction for each word, seeded by the word's sha256: vectors without meaning.

    The control for what word meaning adds, and the provider that needs no weights. Of MiniLM's size, so that the two
    differ in nothing else.
    """

    name = "hashed"
    dim = 384
    fingerprint = hashlib.sha256(b"unit gaussian, numpy PCG64 seeded by sha256 of the word, 384").hexdigest()

    def __init__(self, path: str | Path | None = None):
        if path is not None:
            raise InputError(f"codebook.provider hashed has no weights, but provider_path is {path}; set it to null")

    def embed(self, words: list[str]) -> torch.Tensor:
        vectors = np.empty((len(words), self.dim), dtype=np.float32)
        for row, word in enumerate(words):
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest(), "big")
            vectors[row] = np.random.default_rng(seed).standard_normal(self.dim)
        return F.normalize(torch.from_numpy(vectors), dim=-1)
