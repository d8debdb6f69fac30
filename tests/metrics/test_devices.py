"""Evaluation computes on its device: on a GPU of shapes without numbers, where tensors of two devices never meet."""

import pytest
import torch
from function_tokenizer import FunctionTokenizer
from memory_store import random_store
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from sweettok.metrics import definitions, fidelity, inception, round_trip, squeezenet
from sweettok.metrics.distances import FrechetDistance, judge_distances
from sweettok.metrics.diversity import nearest_records
from sweettok.metrics.i3d import I3D
from sweettok.metrics.protocol import adapted, preset, select
from sweettok.metrics.reconstruction import score
from sweettok.metrics.scorers import Scorer, open_scorers
from sweettok.metrics.semantics import reference_representations
from sweettok.models import devices
from sweettok.models.judge import Judge

COSTLY = {"conv2d", "conv3d", "linear", "matmul", "__matmul__", "interpolate", "avg_pool2d", "adaptive_avg_pool3d", "mean"}


class ShapesOnly(TorchFunctionMode):
    """A GPU whose tensors have shapes alone. What comes back to the host is zeros. `on_host`: functions of host tensors."""

    def __init__(self):
        super().__init__()
        self.fake, self.on_host, self.on_gpu = FakeTensorMode(allow_non_fake_inputs=True), set(), set()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        leaves = tree_leaves((args, kwargs or {}))
        named = any(isinstance(leaf, str | torch.device) and "cuda" in str(leaf) for leaf in leaves)
        if not named and not any(isinstance(leaf, FakeTensor) for leaf in leaves):
            self.on_host.add(getattr(func, "__name__", ""))
            return func(*args, **(kwargs or {}))
        self.on_gpu.add(getattr(func, "__name__", ""))
        with self.fake:
            made = func(*args, **(kwargs or {}))
        return tree_map_only(FakeTensor, _landed, made)


def _landed(made):
    return torch.zeros(made.shape, dtype=made.dtype) if made.device.type == "cpu" else made


@pytest.fixture
def gpu(monkeypatch):
    """Without what reads values: the check of ranges."""
    for module in (fidelity, definitions, round_trip):
        monkeypatch.setattr(module, "check_pair", lambda *clips: None)
    for module in (inception, squeezenet):
        monkeypatch.setattr(module, "check_clip", lambda *clip: None)
    monkeypatch.setattr(fidelity, "at_once", lambda *bytes, on_cpu: on_cpu)
    with ShapesOnly() as mode:
        yield mode


@pytest.fixture
def judge(gpu):
    with torch.device("cuda"):
        judge = Judge({"class": 2}, 4).eval().requires_grad_(False)
    judge.values = {"class": ["class0", "class1"]}
    return judge


def test_reconstructions_are_scored_where_the_tokenizer_computes(gpu, judge):
    store = random_store(6, "test", clip=(9, 16))
    scorers, _ = open_scorers(judge, None, 16)
    scorers += [Scorer("uniform", "", definitions.uniform_ssim), Scorer("frames", "", definitions.frame_psnr)]
    half = FunctionTokenizer(lambda clip: clip / 2)
    found = score(half, store, 4, scorers, judge_distances(judge, store), device="cuda")
    assert found.scores["ssim"].shape == (6,) and found.features["frechet_video/judge"].shape == (6, 32)
    assert {"conv3d", "matmul", "avg_pool2d", "mean", "take_along_dim"} <= gpu.on_gpu and not COSTLY & gpu.on_host
