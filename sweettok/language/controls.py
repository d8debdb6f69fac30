"""Codebooks with one thing wrong: what claims about words are compared with (docs/paper.md, Open questions).

Each control keeps the number of words, their parts of speech and the set of vectors, so that bits and the norms of the
vectors stay those of the codebook, and takes away one kind of structure.
"""

from dataclasses import replace

import numpy as np
import torch

from sweettok.language.codebook import Codebook
from sweettok.language.graph import LINKED_PARTS
from sweettok.language.tagging import PARTS
from sweettok.params import Graph, Words


def controlled(codebook: Codebook, words: Words, graph: Graph, seed: int = 0) -> Codebook:
    """The codebook with the words and the graph that `tokenizer.words` and `tokenizer.graph` ask for."""
    if words == "shuffled":
        codebook = shuffled_words(codebook, seed)
    if words == "permuted_vectors":
        codebook = permuted_vectors(codebook, seed)
    if graph == "none":
        return replace(codebook, edges=codebook.edges[:0], edge_counts=codebook.edge_counts[:0])
    return random_graph(codebook, seed) if graph == "random" else codebook


def shuffled_words(codebook: Codebook, seed: int) -> Codebook:
    """A random permutation of all words, across the parts of speech.

    A word takes its vector and its count along. Positions keep their part of speech and their edges, so that group
    sizes, the set of vectors and the shape of the graph stay the same, and only which word stands where is lost.
    """
    order = torch.randperm(len(codebook), generator=torch.Generator().manual_seed(seed))
    words = [codebook.words[i] for i in order.tolist()]
    return replace(codebook, words=words, vectors=codebook.vectors[order], counts=codebook.counts[order])


def permuted_vectors(codebook: Codebook, seed: int) -> Codebook:
    """Vectors exchanged at random within each part of speech: every word has a vector of its kind, but a wrong one."""
    generator, order = torch.Generator().manual_seed(seed), torch.arange(len(codebook))
    for part in PARTS:
        places = codebook.group([part])
        order[places] = places[torch.randperm(len(places), generator=generator)]
    return replace(codebook, vectors=codebook.vectors[order])


def random_graph(codebook: Codebook, seed: int) -> Codebook:
    """As many edges of each kind (adjective-noun, adverb-verb) as the captions give, with the same counts, between
    random words."""
    generator, edges, counts = np.random.default_rng(seed), [], []
    for first, second in LINKED_PARTS:
        rows, columns = codebook.group([first]), codebook.group([second])
        of_kind = torch.isin(codebook.edges[:, 0], rows)
        pairs = np.sort(generator.choice(len(rows) * len(columns), int(of_kind.sum()), replace=False))
        row, column = np.divmod(pairs, max(1, len(columns)))
        edges.append(torch.stack((rows[torch.from_numpy(row)], columns[torch.from_numpy(column)]), dim=1))
        counts.append(codebook.edge_counts[of_kind])
    return replace(codebook, edges=torch.cat(edges), edge_counts=torch.cat(counts))
