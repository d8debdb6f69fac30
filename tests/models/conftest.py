"""What tests of models share."""

import pytest
import torch


@pytest.fixture(scope="session")
def changed_rows():
    """function, x, place -> which entries along axis 1 and 2 of function(x) move when x at `place` does."""

    def changed(function, x, place):
        other = x.clone()
        other[place] += 1.0
        with torch.no_grad():
            return ((function(x) - function(other)).abs() > 1e-6).any(-1)

    return changed
