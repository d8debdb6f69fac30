import pytest
import torch

from sweettok.generation.layout import TokenGroup, TokenLayout

UNION = TokenLayout((TokenGroup("spatial", 3, ((0, 7),)), TokenGroup("temporal", 5, ((0, 4),))))
COMPOSED = TokenLayout(
    (
        TokenGroup("spatial", 2, ((0, 3), (0, 3), (0, 5))),
        TokenGroup("temporal", 3, ((0, 2), (0, 2), (2, 8))),  # verbs counted on from the adverbs
    )
)


def random_tokens(layout: TokenLayout, clips: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    columns = [
        torch.randint(first, stop, (clips, 1), generator=generator)
        for group in layout.groups
        for _ in range(group.tokens)
        for first, stop in group.ranges
    ]
    indices = torch.cat(columns, dim=1)
    return indices if layout.indices_per_token == 1 else indices.reshape(clips, layout.tokens, -1)


def test_sizes():
    assert (UNION.tokens, UNION.length, UNION.vocabulary) == (8, 8, 11)
    assert (COMPOSED.tokens, COMPOSED.length, COMPOSED.vocabulary) == (5, 15, 3 + 3 + 5 + 2 + 2 + 6)


def test_union_ids_by_hand():
    tokens = torch.tensor([[0, 6, 2, 0, 1, 2, 3, 0]])
    assert UNION.flatten(tokens).tolist() == [[0, 6, 2, 7, 8, 9, 10, 7]]


def test_composed_ids_by_hand():
    tokens = torch.tensor([[[0, 0, 0], [2, 1, 4], [1, 0, 2], [0, 1, 7], [1, 1, 3]]])
    expected = [0, 3, 6, 2, 4, 10, 12, 13, 15, 11, 14, 20, 12, 14, 16]
    assert COMPOSED.flatten(tokens).tolist() == [expected]


@pytest.mark.parametrize("layout", [UNION, COMPOSED])
def test_round_trip(layout):
    tokens = random_tokens(layout, 200)
    ids = layout.flatten(tokens)
    assert ids.shape == (200, layout.length)
    assert torch.equal(layout.unflatten(ids), tokens)
    assert torch.equal(layout.flatten(layout.unflatten(ids)), ids)


@pytest.mark.parametrize("layout", [UNION, COMPOSED])
def test_mask_is_what_random_tokens_use(layout):
    ids = layout.flatten(random_tokens(layout, 500))
    used = torch.zeros(layout.length, layout.vocabulary, dtype=torch.bool)
    for position in range(layout.length):
        used[position, ids[:, position]] = True
        allowed = torch.zeros(layout.vocabulary, dtype=torch.bool)
        allowed[layout.allowed(position)] = True
        assert torch.equal(layout.mask()[position], allowed)
    assert torch.equal(used, layout.mask())


@pytest.mark.parametrize("layout", [UNION, COMPOSED])
def test_places_cover_positions_and_ids_once(layout):
    positions = [p for place in layout.places for p in range(layout.length)[place.positions]]
    ids = [i for place in layout.places for i in range(layout.vocabulary)[place.ids]]
    assert sorted(positions) == list(range(layout.length))
    assert ids == list(range(layout.vocabulary))


def test_index_out_of_range_names_expected_and_given():
    tokens = random_tokens(UNION, 2)
    tokens[1, 4] = 4
    with pytest.raises(ValueError, match=r"temporal .*\[0, 4\).*to 4"):
        UNION.flatten(tokens)
    tokens[1, 4] = -1
    with pytest.raises(ValueError, match=r"temporal .*\[0, 4\).*-1 to"):
        UNION.flatten(tokens)


def test_id_at_wrong_position_is_refused():
    ids = UNION.flatten(random_tokens(UNION, 2))
    ids[0, 0] = 7  # a temporal word
    with pytest.raises(ValueError, match=r"spatial .*\[0, 7\).*to 7"):
        UNION.unflatten(ids)


@pytest.mark.parametrize(
    ("tokens", "given"),
    [
        (torch.zeros(2, 9, dtype=torch.int64), r"\(2, 9\)"),
        (torch.zeros(2, 8, 3, dtype=torch.int64), r"\(2, 8, 3\)"),
        (torch.zeros(2, 8), "float32"),
    ],
)
def test_shape_and_dtype_errors(tokens, given):
    with pytest.raises(ValueError, match=r"int64 tokens \(B, 8\), .*" + given):
        UNION.flatten(tokens)
    with pytest.raises(ValueError, match=r"int64 ids \(B, 8\), .*" + given):
        UNION.unflatten(tokens)


def test_bad_layouts():
    with pytest.raises(ValueError, match="spatial: .*1 token, .* 0$"):
        TokenGroup("spatial", 0, ((0, 7),))
    with pytest.raises(ValueError, match=r"spatial: .*\(\(3, 3\),\)$"):
        TokenGroup("spatial", 1, ((3, 3),))
    with pytest.raises(ValueError, match="'spatial': 1, 'temporal': 3"):
        TokenLayout((UNION.groups[0], COMPOSED.groups[1]))
    with pytest.raises(ValueError, match=r"position .*\[0, 8\), .* 8$"):
        UNION.allowed(8)
