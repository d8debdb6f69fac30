from itertools import combinations

import pytest
import torch

from sweettok.language.graph import cooccurrence_edges, normalised_adjacency
from sweettok.language.tagging import tag_captions
from sweettok.language.vocabulary import build_vocabulary

CAPTIONS = [
    "a red ball slowly bounces",
    "a red ball quickly rolls",
    "a green cube slowly bounces",
    "a red ball slowly bounces",
]


def test_edges_join_adjective_noun_and_adverb_verb_of_one_caption():
    tagged = tag_captions(CAPTIONS)
    vocabulary = build_vocabulary(tagged, min_count=1)
    edges, counts = cooccurrence_edges(tagged, vocabulary)
    pairs = [(vocabulary.words[i], vocabulary.words[j]) for i, j in edges.tolist()]
    named = dict(zip(pairs, counts.tolist(), strict=True))
    assert named == {
        ("red", "ball"): 3, ("green", "cube"): 1,
        ("slowly", "bounce"): 3, ("quickly", "roll"): 1,
    }  # fmt: skip
    assert edges.dtype == counts.dtype == torch.int64
    assert bool((edges[:, 0] < edges[:, 1]).all()) and edges.tolist() == sorted(edges.tolist())


def test_words_below_the_threshold_have_no_edges():
    tagged = tag_captions(CAPTIONS)
    edges, counts = cooccurrence_edges(tagged, build_vocabulary(tagged, min_count=2))
    assert edges.shape == (2, 2) and counts.tolist() == [3, 3]


def dense_propagation(n, edges, weights):
    """The textbook formula with full matrices, float64."""
    matrix = torch.eye(n, dtype=torch.float64)
    for (i, j), weight in zip(edges.tolist(), weights.tolist(), strict=True):
        matrix[i, j] += weight
        matrix[j, i] += weight
    scale = torch.diag(matrix.sum(1) ** -0.5)
    return scale @ matrix @ scale


@pytest.mark.parametrize("weighted", [False, True])
def test_propagation_matrix_matches_dense_formula(weighted):
    generator = torch.Generator().manual_seed(0)
    pairs = torch.tensor(list(combinations(range(12), 2)))
    edges = pairs[torch.randperm(len(pairs), generator=generator)[:20]]
    weights = torch.randint(1, 50, (20,), generator=generator) if weighted else torch.ones(20)
    sparse = normalised_adjacency(12, edges, weights if weighted else None)
    assert sparse.is_sparse and sparse.dtype == torch.float32
    torch.testing.assert_close(sparse.to_dense().double(), dense_propagation(12, edges, weights), atol=1e-6, rtol=1e-6)
    assert float(torch.linalg.eigvalsh(sparse.to_dense()).abs().max()) == pytest.approx(1, abs=1e-5)


def test_without_edges_it_is_the_identity():
    no_edges = torch.empty(0, 2, dtype=torch.int64)
    assert torch.equal(normalised_adjacency(3, no_edges).to_dense(), torch.eye(3))


@pytest.mark.parametrize(
    ("edges", "weights", "named"),
    [
        ([[0, 5]], None, r"\[0, 3\).* 5\]"),
        ([[1, 1]], None, "self-loops"),
        ([[0, 1], [1, 0]], None, "once"),
        ([0, 1], None, r"int64 \(E, 2\)"),
        ([[0, 1]], [1.0, 1.0], "1 positive"),
        ([[0, 1]], [0.0], "1 positive"),
    ],
)
def test_bad_edges_are_refused(edges, weights, named):
    with pytest.raises(ValueError, match=named):
        normalised_adjacency(3, torch.tensor(edges), None if weights is None else torch.tensor(weights))
