"""Controls take away one kind of structure and keep all else."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from sweettok.language.codebook import Codebook, build_codebook
from sweettok.language.controls import controlled, permuted_vectors, random_graph, shuffled_words
from sweettok.language.graph import normalised_adjacency
from sweettok.params import Codebook as CodebookParams

CAPTIONS = [
    "a red ball slowly bounces",
    "a crimson ball quickly rolls",
    "a green cube slowly bounces",
    "a green ball swiftly falls",
    "a yellow star slowly spins",
]


@pytest.fixture(scope="module")
def codebook():
    settings = {"captions": None, "captions_split": None, "min_count": 1, "max_words": None, "provider_path": None}
    return build_codebook(CAPTIONS, CodebookParams(**settings, provider="hashed"))


def assert_same(one, other, but=()):
    for name in set(Codebook.__dataclass_fields__) - set(but):
        first, second = getattr(one, name), getattr(other, name)
        assert torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second, name


def vector_of(codebook):
    return {tuple(vector.tolist()): place for place, vector in enumerate(codebook.vectors)}


def kinds(codebook):
    """How many edges there are between which parts of speech."""
    parts = codebook.part_of_speech
    return Counter((parts[i], parts[j]) for i, j in codebook.edges.tolist())


def test_shuffled_words_cross_the_parts_of_speech_and_take_their_vectors_along(codebook):
    shuffled = shuffled_words(codebook, seed=0)
    assert_same(shuffled, codebook, but=("words", "vectors", "counts"))
    assert sorted(shuffled.words) == sorted(codebook.words) and shuffled.words != codebook.words
    for position, word in enumerate(shuffled.words):
        origin = codebook.words.index(word)
        assert torch.equal(shuffled.vectors[position], codebook.vectors[origin])
        assert shuffled.counts[position] == codebook.counts[origin]
    part_of = dict(zip(codebook.words, codebook.part_of_speech, strict=True))
    assert any(part_of[word] != part for word, part in zip(shuffled.words, shuffled.part_of_speech, strict=True))


def test_permuted_vectors_stay_within_their_part_of_speech(codebook):
    permuted = permuted_vectors(codebook, seed=0)
    assert_same(permuted, codebook, but=("vectors",))
    origin = vector_of(codebook)
    places = [origin[tuple(vector.tolist())] for vector in permuted.vectors]
    assert sorted(places) == list(range(len(codebook))) and places != sorted(places)
    assert [codebook.part_of_speech[place] for place in places] == codebook.part_of_speech


def test_a_random_graph_has_as_many_edges_of_each_kind(codebook):
    drawn = random_graph(codebook, seed=0)
    assert_same(drawn, codebook, but=("edges", "edge_counts"))
    assert kinds(drawn) == kinds(codebook) and not torch.equal(drawn.edges, codebook.edges)
    assert sorted(drawn.edge_counts.tolist()) == sorted(codebook.edge_counts.tolist())
    normalised_adjacency(len(drawn), drawn.edges)  # refuses loops and repeats


def test_random_edges_fall_on_all_pairs_alike(codebook):
    seen = Counter(tuple(edge) for seed in range(300) for edge in random_graph(codebook, seed).edges.tolist())
    adjectives, nouns = codebook.group(["adjective"]), codebook.group(["noun"])
    expected = 300 * kinds(codebook)["adjective", "noun"] / (len(adjectives) * len(nouns))
    counts = [seen[i, j] for i in adjectives.tolist() for j in nouns.tolist()]
    assert min(counts) > 0.7 * expected and max(counts) < 1.3 * expected


def test_no_graph_has_no_edges(codebook):
    bare = controlled(codebook, "by_part_of_speech", "none")
    assert_same(bare, codebook, but=("edges", "edge_counts"))
    assert bare.edges.shape == (0, 2) and len(bare.edge_counts) == 0


@pytest.mark.parametrize("words", ["by_part_of_speech", "all"])
def test_without_a_control_the_codebook_is_itself(codebook, words):
    assert controlled(codebook, words, "captions") is codebook


@pytest.mark.parametrize("control", [shuffled_words, permuted_vectors, random_graph])
def test_controls_are_drawn_from_their_seed(codebook, control):
    assert_same(control(codebook, 0), control(codebook, 0))
    others = [control(codebook, seed) for seed in range(1, 4)]
    assert any(
        not torch.equal(o.vectors, control(codebook, 0).vectors) or not torch.equal(o.edges, control(codebook, 0).edges)
        for o in others
    )


def test_controls_of_a_codebook_without_edges(codebook):
    bare = replace(codebook, edges=codebook.edges[:0], edge_counts=codebook.edge_counts[:0])
    assert len(random_graph(bare, 0).edges) == 0
