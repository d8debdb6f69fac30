"""Two layers of tokens: what each holds, and the coarse one alone. Causality and round trips: test_patchwise.py."""

import pytest
import torch

from sweettok.metrics.tokens_kept import shortened
from sweettok.models.hierarchical import to_grid, to_layers


def test_coarse_tokens_are_means_of_cells_and_both_layers_are_the_whole():
    grid = torch.randn(2, 6, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    tokens = to_layers(grid)
    assert torch.allclose(to_grid(tokens, 3), grid, atol=1e-6)
    coarse = tokens.unflatten(1, (3, 16))[:, :, :4]  # (2, 3, 4, 6)
    means = torch.nn.functional.avg_pool3d(grid, (1, 2, 2)).flatten(3).permute(0, 2, 3, 1)
    assert torch.allclose(coarse, 2 * means, atol=1e-6)


def test_the_coarse_layer_alone_is_a_rough_clip(make_model, clips):
    """A quarter of the tokens. Places of a cell are then alike, whatever the fine tokens were."""
    model = make_model(
        architecture="hierarchical", quantizer="learned", spatial_tokens=16, temporal_tokens=64, tail_drop=0.5
    )
    tokens = model.encode(clips(2))
    coarse = shortened(model, tokens, {"spatial": 4, "temporal": 16})
    present = (coarse >= 0).view(2, 5, 16)
    assert present[:, :, :4].all() and not present[:, :, 4:].any()
    with torch.no_grad():
        spatial, temporal = (
            model.quantizers[name].lookup(part)
            for name, part in zip(model.groups, coarse.split([16, 64], 1), strict=True)
        )
        cells = to_grid(torch.cat([spatial, temporal], dim=1), 5).unflatten(3, (2, 2)).unflatten(5, (2, 2))
    assert torch.allclose(cells, cells[:, :, :, :, :1, :, :1].expand_as(cells), atol=1e-6)
    assert model.decode(coarse).shape == clips(2).shape
    assert not torch.allclose(model.decode(coarse), model.decode(tokens), atol=1e-3)


@pytest.mark.parametrize("spatial, temporal, named", [(1, 4, "2 x 2"), (8, 32, "2 x 2"), (4, 64, "to 16, got 64")])
def test_other_numbers_of_tokens_are_refused(make_model, spatial, temporal, named):
    with pytest.raises(ValueError, match=named):
        make_model(architecture="hierarchical", spatial_tokens=spatial, temporal_tokens=temporal)
