"""Word vectors from the captions alone: which words keep the same company."""

import hashlib

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from scipy.sparse.linalg import aslinearoperator, eigsh

from sweettok.errors import InputError
from sweettok.language.graph import occurrence_matrix
from sweettok.language.tagging import PARTS, TaggedCaption
from sweettok.language.word_vectors import Hashed, WordVectors

_RECIPE = "PPMI of words sharing a caption, contexts to the power 0.75, SVD, U sqrt(S), 384"


class Cooccurrence(WordVectors):
    """Truncated SVD of the words' positive pointwise mutual information (Levy, Goldberg & Dagan 2015).

    PPMI[w, c] = max(0, log(n[w, c] * sum / (n[w] * n[c]^0.75))) with n[w, c] the captions that hold both words and
    n[c]^0.75 rescaled to the sum of n[c]: the power keeps rare contexts from weighing most. A word's vector is its row
    of U sqrt(S). Contexts are the words embedded, whatever their part of speech.

    The provider between meaning learnt from much text and none: it knows nothing but what the codebook's graph is made
    of. Of MiniLM's size, so that the two differ in nothing else; fewer words than that leave the last places 0. A word
    that shares no caption with another has no company to tell it by and gets its direction of `Hashed`.
    """

    name = "cooccurrence"
    dim = Hashed.dim

    def __init__(self, path: str | None = None):
        if path is not None:
            raise InputError(f"codebook.provider {self.name} has no weights, but provider_path is {path}; set it null")
        self._captions: list[TaggedCaption] | None = None

    def learn(self, captions: list[TaggedCaption]) -> "Cooccurrence":
        self._captions = captions
        digest = hashlib.sha256(_RECIPE.encode())
        for caption in captions:
            digest.update(repr((caption.mentions, caption.times)).encode())
        self.fingerprint = digest.hexdigest()
        return self

    def embed(self, words: list[str]) -> torch.Tensor:
        """See WordVectors. Raises ValueError before `learn`, InputError where no two of the words share a caption."""
        if self._captions is None:
            raise ValueError("expected learn(captions) before embed(words)")
        if not words:
            return torch.empty(0, self.dim)
        together = self._shared_captions(self._captions, words)
        if not together.nnz:
            raise InputError(
                "no two words share a caption, so co-occurrence tells nothing of them; "
                "give captions of several words, or another codebook.provider"
            )
        size = min(self.dim, len(words) - 1)
        vectors = np.zeros((len(words), self.dim))
        vectors[:, :size] = _left_singular_vectors(positive_mutual_information(together), size)
        alone = np.linalg.norm(vectors, axis=1) < 1e-6
        vectors[alone] = Hashed().embed([word for word, is_alone in zip(words, alone, strict=True) if is_alone])
        return F.normalize(torch.from_numpy(vectors), dim=-1).float()

    def _shared_captions(self, captions: list[TaggedCaption], words: list[str]) -> sparse.csr_array:
        """In how many captions each two words stand together, float64 (W, W), diagonal empty."""
        index_of = {(word, part): index for index, word in enumerate(words) for part in PARTS}
        occurs = occurrence_matrix(captions, index_of)
        times = sparse.diags_array([caption.times for caption in captions], dtype=np.float64)
        together = (occurs.T @ times @ occurs).tocsr()
        together = together - sparse.diags_array(together.diagonal())
        together.eliminate_zeros()
        return together


def positive_mutual_information(together: sparse.csr_array) -> sparse.csr_array:
    """PPMI (see `Cooccurrence`) of symmetric counts, float64 (W, W) -> float64 (W, W); 0 where a count is 0."""
    together = together.tocoo()
    totals = np.asarray(together.sum(axis=0)).ravel()  # (W,)
    contexts = totals**0.75
    contexts *= totals.sum() / contexts.sum()
    row, column = together.coords
    ratio = together.data * totals.sum() / (totals[row] * contexts[column])
    information = sparse.csr_array((np.log(ratio).clip(min=0), (row, column)), together.shape)
    information.eliminate_zeros()
    return information


def _left_singular_vectors(matrix: sparse.csr_array, size: int) -> np.ndarray:
    """U sqrt(S) of the `size` largest singular values, falling, float64 (W, size); 0 beyond the matrix's rank.

    By the eigenvectors of M M^T, as scipy's svds, which however draws ARPACK's restarts from an unseeded generator.
    """
    operator = aslinearoperator(matrix)
    rng = np.random.default_rng(0)
    squares, left = eigsh(operator @ operator.T, size, v0=rng.standard_normal(matrix.shape[0]), rng=rng)
    squares = np.where(squares > 1e-12 * squares.max(), squares, 0)
    return (left * squares**0.25)[:, ::-1]
