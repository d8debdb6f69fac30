import math
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy import sparse

from sweettok.errors import InputError
from sweettok.language.cooccurrence import Cooccurrence, positive_mutual_information
from sweettok.language.tagging import TaggedCaption, tag_captions
from sweettok.language.word_vectors import Hashed

PLACES = {"kitchen": ("pan", "chef", "onion", "soup"), "stadium": ("player", "goal", "ball", "referee")}
CAPTIONS = [
    f"the {one} and the {other} in the {place}"
    for place, things in PLACES.items()
    for one, other in combinations(things, 2)
]
WORDS = [word for place, things in PLACES.items() for word in (place, *things)]


def by_loops(captions, words):
    """PPMI as the formula has it, without matrices."""
    held = [(set(lemma for lemma, _ in caption.mentions), caption.times) for caption in captions]
    n = {
        (w, c): sum(times for lemmas, times in held if w in lemmas and c in lemmas) if w != c else 0
        for w in words
        for c in words
    }
    total = {w: sum(n[w, c] for c in words) for w in words}
    everything = sum(total.values())
    rescale = everything / sum(total[c] ** 0.75 for c in words)
    return np.array([
        [max(0.0, math.log(n[w, c] * everything / (total[w] * total[c] ** 0.75 * rescale))) if n[w, c] else 0.0 for c in words]
        for w in words
    ])  # fmt: skip


def test_similarities_are_those_of_the_formula():
    tagged = tag_captions([*CAPTIONS, CAPTIONS[0], CAPTIONS[0]])
    ppmi = by_loops(tagged, WORDS)
    left, strength, _ = np.linalg.svd(ppmi)
    expected = left[:, :-1] * np.sqrt(strength[:-1])  # one less than the words, as many as ARPACK can give
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = Cooccurrence().learn(tagged).embed(WORDS).double().numpy()
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-5)


def test_mutual_information_of_symmetric_counts_by_loops():
    counts = sparse.csr_array(np.array([[0.0, 4, 1], [4, 0, 0], [1, 0, 0]]))
    rescale = 10 / (5**0.75 + 4**0.75 + 1)
    expected = np.zeros((3, 3))
    for i, j, n in ((0, 1, 4), (1, 0, 4), (0, 2, 1), (2, 0, 1)):
        expected[i, j] = max(0, math.log(n * 10 / ((5, 4, 1)[i] * (5, 4, 1)[j] ** 0.75 * rescale)))
    np.testing.assert_allclose(positive_mutual_information(counts).toarray(), expected)


def test_words_of_one_place_are_alike():
    vectors = Cooccurrence().learn(tag_captions(CAPTIONS)).embed(WORDS)
    alike = vectors @ vectors.T
    same = torch.tensor([[(i < 5) == (j < 5) for j in range(10)] for i in range(10)])
    assert alike[same & ~torch.eye(10, dtype=torch.bool)].mean() > alike[~same].abs().max() + 0.2


def test_a_word_without_company_gets_its_hashed_direction():
    vectors = Cooccurrence().learn(tag_captions([*CAPTIONS, "the hermit", "the hermit"])).embed([*WORDS, "hermit"])
    torch.testing.assert_close(vectors[-1], Hashed().embed(["hermit"])[0])


def test_fingerprint_is_that_of_the_captions():
    prints = {Cooccurrence().learn(tag_captions(c)).fingerprint for c in (CAPTIONS, CAPTIONS[:-1], CAPTIONS + CAPTIONS)}
    assert len(prints) == 3
    assert Cooccurrence().learn(tag_captions(CAPTIONS)).fingerprint in prints


def test_what_tells_nothing_is_refused():
    with pytest.raises(InputError, match="co-occurrence .*codebook.provider"):
        Cooccurrence().learn(tag_captions(["a ball", "a cube"])).embed(["ball", "cube"])
    with pytest.raises(InputError, match="cooccurrence .*provider_path .*/some/where"):
        Cooccurrence("/some/where")
    with pytest.raises(ValueError, match="learn"):
        Cooccurrence().embed(WORDS)


def test_more_words_than_dimensions_are_truncated_the_same_way_in_every_call():
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(Cooccurrence.dim + 50)]
    tagged = [TaggedCaption(tuple((word, "noun") for word in rng.choice(words, 6).tolist()), 1) for _ in range(1500)]
    vectors = Cooccurrence().learn(tagged).embed(words)
    assert vectors.shape == (len(words), Cooccurrence.dim) and bool((vectors[:, -1] != 0).any())
    assert torch.equal(vectors, Cooccurrence().learn(tagged).embed(words))
