"""What tests of models share."""

from contextlib import contextmanager

import pytest
import torch
from quantizer_kinds import latents
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sweettok.models.quantizers import build_quantizers


@pytest.fixture(scope="session")
def changed_rows():
    """function, x, place -> which entries along axis 1 and 2 of function(x) move when x at `place` does."""

    def changed(function, x, place):
        other = x.clone()
        other[place] += 1.0
        with torch.no_grad():
            return ((function(x) - function(other)).abs() > 1e-6).any(-1)

    return changed


class _Storages(TorchDispatchMode):
    """Notes the size in bytes of the memory behind every tensor that an operation gives."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        tensors = [x for x in tree_leaves(result) if isinstance(x, torch.Tensor) and x.layout == torch.strided]
        self.sizes += [x.untyped_storage().nbytes() for x in tensors]
        return result


@pytest.fixture(scope="session")
def largest_storage():
    """Context manager -> list that holds the sizes in bytes of all tensors made within, forward and backward."""

    @contextmanager
    def watch():
        with _Storages() as mode:
            yield mode.sizes

    return watch


@pytest.fixture
def quantizers_of(codebook, tokenizer_of):
    """overrides -> the two quantisers, in eval mode; the spatial one has seen some latents."""

    def build(**overrides):
        torch.manual_seed(0)
        quantizers = build_quantizers(tokenizer_of(**overrides), codebook).train()
        with torch.no_grad():
            for seed in range(3):
                quantizers["spatial"](latents(16, seed))
        return quantizers.eval()

    return build
