"""A codebook of 34 words and a geometry so small that every architecture runs in milliseconds: 9 frames of 16 x 16."""

from contextlib import contextmanager

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Optimiser, Patches, Proxy

PARTS = {"adjective": 10, "noun": 9, "adverb": 7, "verb": 8}
CLIP = (9, 16)  # frames, size: a 4 x 4 grid with 1 + 4 latent frames
PATCHES = Patches(spatial=4, temporal=2)


@pytest.fixture(scope="session")
def codebook(codebook_of):
    generator = torch.Generator().manual_seed(0)
    names = [(f"{part}{place}", part) for part, count in PARTS.items() for place in range(count)]
    at = {part: [i for i, (_, of) in enumerate(names) if of == part] for part in PARTS}
    pairs = [
        (a, b) for first, second in (("adjective", "noun"), ("adverb", "verb")) for a in at[first] for b in at[second]
    ]
    kept = torch.rand(len(pairs), generator=generator) < 0.3
    edges = torch.tensor(pairs)[kept]
    counts = torch.randint(1, 5, (len(edges),), generator=generator)
    return codebook_of([name for name, _ in names], [part for _, part in names], edges, counts, generator)


@pytest.fixture(scope="session")
def proxy_params():
    optimiser = Optimiser(
        steps=1, batch_size=1, lr=1e-3, final_lr=1e-4, warmup=0, betas=(0.9, 0.99), weight_decay=0.0, grad_clip=1.0,
        ema=0.9, precision="fp32", checkpoint_every=1, validate_every=1,
    )  # fmt: skip
    return Proxy(
        width=12,
        heads=2,
        expansion=2,
        depth=1,
        codes=20,
        code_dim=4,
        perceptual_weight=0.0,
        seed=0,
        optimiser=optimiser,
    )


@pytest.fixture(scope="session")
def clips():
    """count, seed -> clips (count, 3, 9, 16, 16) in [-1, 1]."""

    def draw(count, seed=0):
        frames, size = CLIP
        return torch.rand(count, 3, frames, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1

    return draw


@pytest.fixture(scope="session")
def make_model(codebook, proxy_params, tokenizer_of, clips):
    """overrides -> a tokenizer in eval mode whose codes and statistics have seen a few batches."""

    def make(**overrides):
        torch.manual_seed(0)
        model = VideoTokenizer(tokenizer_of(**overrides), PATCHES, proxy_params, CLIP, codebook)
        with torch.no_grad():
            for seed in range(3):
                model.train()(clips(8, seed))
        return model.eval()

    return make


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
