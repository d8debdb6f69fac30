"""Where tokens lie follows from the model, whatever its options are called."""

import pytest

from sweettok.tokenizers.token_places import token_places

ALL_LATER = [{"side": 4, "latent_frames": [1, 2, 3, 4]}]
EACH_LATER = [{"side": 2, "latent_frames": [time]} for time in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("overrides", "temporal"),
    [
        ({"temporal_queries": "per_location"}, ALL_LATER),
        ({"temporal_queries": "global"}, ALL_LATER),
        ({"temporal_queries": "per_frame"}, EACH_LATER),
        ({"architecture": "coupled"}, EACH_LATER),
    ],
)
def test_places_of_tokens(make_model, overrides, temporal):
    places = token_places(make_model(**overrides))
    assert places["frames"] == [[0, 1], [1, 3], [3, 5], [5, 7], [7, 9]]
    assert places["groups"] == {"spatial": [{"side": 2, "latent_frames": [0]}], "temporal": temporal}
