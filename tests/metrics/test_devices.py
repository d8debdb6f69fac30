"""Evaluation computes on its device: on a GPU of shapes without numbers, where tensors of two devices never meet."""

from pathlib import Path

import pytest
import torch
from function_tokenizer import FunctionTokenizer
from memory_store import random_store
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from sweettok.metrics import (
    definitions,
    extractors,
    fidelity,
    i3d,
    inception,
    lpips,
    perceptual_networks,
    round_trip,
    squeezenet,
)
from sweettok.metrics.distances import judge_distances, open_distances
from sweettok.metrics.diversity import nearest_records
from sweettok.metrics.reconstruction import score
from sweettok.metrics.scorers import Scorer, open_scorers
from sweettok.metrics.semantics import reference_representations
from sweettok.models.judge import Judge
from sweettok.params import Metrics, WeightsSource
from sweettok.weights import WeightsFile

COSTLY = {"conv2d", "conv3d", "linear", "matmul", "__matmul__", "interpolate", "avg_pool2d", "adaptive_avg_pool3d"}
ABSENT = WeightsSource(path=None, sha256=None, download=False)


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
    judge = Judge({"class": 2}, 4).eval().requires_grad_(False).to("cuda")
    judge.values = {"class": ["class0", "class1"]}
    return judge


def test_reconstructions_are_scored_where_the_tokenizer_computes(gpu, judge):
    store = random_store(6, "test", clip=(9, 16))
    scorers, _ = open_scorers(judge, None, 16)
    scorers += [Scorer("uniform", "", definitions.uniform_ssim), Scorer("frames", "", definitions.frame_psnr)]
    half = FunctionTokenizer(lambda clip: clip / 2)
    found = score(half, store, 4, scorers, judge_distances(judge, store), device="cuda")
    assert found.scores["ssim"].shape == (6,) and found.features["frechet_video/judge"].shape == (6, 32)
    assert {"conv3d", "avg_pool2d", "mean", "take_along_dim"} <= gpu.on_gpu and not COSTLY & gpu.on_host


def test_samples_are_measured_where_the_judge_is(gpu, judge):
    test, train = random_store(6, "test"), random_store(8, "train")
    samples = test.clips(range(6))
    (distance,) = judge_distances(judge, test, ("video",))
    features = distance.generated_features(samples)
    assert judge.classify(features).shape == (6,) and reference_representations(judge, test)["judge"].shape == (6, 32)
    assert nearest_records(samples, test, train, 0, judge.device)["nearest_train_psnr"]["n"] == 6
    assert {"conv3d", "linear", "adaptive_avg_pool3d"} <= gpu.on_gpu and not COSTLY & gpu.on_host


@pytest.fixture
def published(monkeypatch):
    """Weights of every published network: zeros."""
    for module in (extractors, lpips, perceptual_networks):
        monkeypatch.setattr(module, "locate", lambda *asked: WeightsFile(Path("x"), "0" * 64, "published"))
        monkeypatch.setattr(module, "load_state", lambda path: {})
    for module in (i3d, inception, lpips, squeezenet):
        monkeypatch.setattr(
            module, "fit_state", lambda what, state, shapes: {name: torch.zeros(shapes[name]) for name in shapes}
        )


def test_published_networks_compute_there_too(gpu, published, tmp_path):
    names, perceptual = ("i3d", "inception", "squeezenet1_0"), ("alex", "squeezenet1_0")
    weights = dict.fromkeys(names + perceptual, ABSENT)
    settings = Metrics(extractors=names, perceptual=perceptual, protocols=("own",), weights=weights, sizes=())
    store = random_store(3, "test", clip=(9, 32))
    distances, left_out = open_distances(settings, {"test": store}, tmp_path, "cuda")
    assert [distance.real.shape[1] for distance in distances] == [400, 2048, 512] and not left_out
    clips = store.clips(range(3)).to("cuda")
    scorers, _ = open_scorers(None, settings, 32, ("lpips/alex", "perceptual/squeezenet1_0"))
    assert [scorer.compute(clips, clips).device.type for scorer in scorers] == ["cuda", "cuda"]
    assert {"conv2d", "conv3d", "interpolate"} <= gpu.on_gpu and not COSTLY & gpu.on_host
