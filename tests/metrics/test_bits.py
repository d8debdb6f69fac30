import pytest

from sweettok.metrics.bits import TokenGroup, index_count, token_bits, token_count

# docs/paper.md, Codebook: 10,481 = 5,078 adjectives + 5,403 nouns, 11,139 = 9,267 verbs + 1,872 adverbs
UNION = [TokenGroup(256, (5078 + 5403,)), TokenGroup(1024, (9267 + 1872,))]
COMPOSED = [TokenGroup(256, (5078, 5078, 5403)), TokenGroup(1024, (1872, 1872, 9267))]


def test_paper_union_lookup():
    assert (token_count(UNION), index_count(UNION), round(token_bits(UNION))) == (1280, 1280, 17_185)


def test_paper_composed_lookup():
    assert (token_count(COMPOSED), index_count(COMPOSED)) == (1280, 768 + 3072)
    assert token_bits(COMPOSED) == pytest.approx(45_000, rel=0.01)
    assert token_bits(COMPOSED) / token_bits(UNION) == pytest.approx(2.6, abs=0.05)


def test_powers_of_two_are_whole_bits():
    assert token_bits([TokenGroup(320, (256,))]) == 2560
    assert token_bits([TokenGroup(7, (1,))]) == 0


@pytest.mark.parametrize("group", [TokenGroup(0, (4,)), TokenGroup(4, ()), TokenGroup(4, (8, 0))])
def test_empty_groups_are_refused(group):
    with pytest.raises(ValueError, match="token group"):
        token_bits([group])
