"""The language graph: which words occur together, and the propagation matrix a graph convolution needs."""

from collections.abc import Mapping

import numpy as np
import torch
from scipy import sparse

from sweettok.language.tagging import TaggedCaption
from sweettok.language.vocabulary import Vocabulary

LINKED_PARTS = (("adjective", "noun"), ("adverb", "verb"))


def occurrence_matrix(tagged: list[TaggedCaption], index_of: Mapping[tuple[str, str], int]) -> sparse.csr_array:
    """Which words each distinct caption holds, as 0 or 1: int64 (captions, words).

    index_of: (lemma, part of speech) -> column, from 0 without gaps; other mentions are left out.
    """
    columns: list[int] = []
    ends = [0]
    for caption in tagged:
        columns.extend({index_of[mention] for mention in caption.mentions if mention in index_of})
        ends.append(len(columns))
    shape = (len(tagged), max(index_of.values(), default=-1) + 1)
    return sparse.csr_array((np.ones(len(columns), np.int64), columns, ends), shape)


def cooccurrence_edges(tagged: list[TaggedCaption], vocabulary: Vocabulary) -> tuple[torch.Tensor, torch.Tensor]:
    """Edges between an adjective and a noun, or an adverb and a verb, of the same caption (docs/paper.md, Codebook).

    Returns
        edges: int64 (E, 2), indices into `vocabulary.words`, smaller first, each pair once, rows in ascending order.
        counts: int64 (E,), number of captions that hold both words (repeated captions count each time).
    """
    mentions = zip(vocabulary.words, vocabulary.part_of_speech, strict=True)
    occurs = occurrence_matrix(tagged, {mention: index for index, mention in enumerate(mentions)}).tocsc()
    times = sparse.diags_array([caption.times for caption in tagged], dtype=np.int64)
    parts = np.array(vocabulary.part_of_speech)
    edges, counts = [], []
    for first, second in LINKED_PARTS:
        rows, columns = np.flatnonzero(parts == first), np.flatnonzero(parts == second)
        together = (occurs[:, rows].T @ times @ occurs[:, columns]).tocsr().sorted_indices().tocoo()  # (rows, columns)
        edges.append(np.stack((rows[together.row], columns[together.col]), axis=1))
        counts.append(together.data)
    return torch.from_numpy(np.concatenate(edges)), torch.from_numpy(np.concatenate(counts))


def normalised_adjacency(n: int, edges: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
    """Propagation matrix D^-1/2 (A + I) D^-1/2 of a graph convolution, D the degrees of A + I (Kipf & Welling 2017).

    n: number of nodes.
    edges: int64 (E, 2), each undirected edge once, no self-loops.
    weights: (E,) positive, default 1 for every edge. Raw counts of frequent pairs drown the self-loop's weight of 1.

    Returns a coalesced sparse COO float32 tensor (n, n), symmetric. Raises ValueError for edges that are not as above.
    """
    _check_edges(n, edges)
    weights = torch.ones(len(edges)) if weights is None else weights.to(torch.float64)
    if weights.shape != (len(edges),) or not bool((weights > 0).all()):
        raise ValueError(f"expected {len(edges)} positive weights, one an edge; got shape {tuple(weights.shape)}")
    nodes = torch.arange(n, device=edges.device)
    row = torch.cat((edges[:, 0], edges[:, 1], nodes))  # (2E + n,)
    column = torch.cat((edges[:, 1], edges[:, 0], nodes))
    value = torch.cat((weights, weights, torch.ones(n))).to(edges.device, torch.float64)
    degree = torch.zeros(n, dtype=torch.float64, device=edges.device).index_add_(0, row, value)  # (n,), at least 1
    value = value * (degree[row] * degree[column]).rsqrt()
    return torch.sparse_coo_tensor(torch.stack((row, column)), value.float(), (n, n), check_invariants=True).coalesce()


def _check_edges(n: int, edges: torch.Tensor) -> None:
    if edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype != torch.int64:
        raise ValueError(f"expected edges as int64 (E, 2), got {edges.dtype} {tuple(edges.shape)}")
    if not len(edges):
        return
    if int(edges.min()) < 0 or int(edges.max()) >= n:
        raise ValueError(f"expected node indices in [0, {n}), got [{int(edges.min())}, {int(edges.max())}]")
    if bool((edges[:, 0] == edges[:, 1]).any()):
        raise ValueError("expected no self-loops: they are added here")
    undirected = edges.sort(dim=1).values
    if len(torch.unique(undirected, dim=0)) != len(edges):
        raise ValueError("expected each undirected edge once, got some twice")
