"""Evaluation computes on its device: on one of shapes without numbers, where tensors of two devices never meet."""

from pathlib import Path

import pytest
import torch
from function_tokenizer import FunctionTokenizer
from memory_store import random_store
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

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
MOVES = {"_has_compatible_shallow_copy_type", "__set__"}  # of Module.to
ABSENT = WeightsSource(path=None, sha256=None, download=False)


class ShapesOnly(TorchFunctionMode):
    """The device `meta` as a GPU: what comes back to the host is zeros, and tensors of two devices must not meet."""

    def __init__(self):
        super().__init__()
        self.ran = {"cpu": set(), "meta": set()}  # functions of tensors there

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if torch.is_tensor(leaf)]
        places = {tensor.device.type for tensor in tensors if tensor.ndim}
        assert len(places) < 2 or func.__name__ in MOVES, f"{func.__name__} of tensors of {places}"
        for place in places:
            self.ran[place].add(func.__name__)
        if "meta" in places and (func.__name__ == "cpu" or func.__name__ == "to" and "cpu" in map(str, args)):
            return torch.zeros(args[0].shape, dtype=args[0].dtype)
        return func(*args, **kwargs)

    def check(self, *expected):
        assert set(expected) <= self.ran["meta"] and not COSTLY & self.ran["cpu"]


@pytest.fixture
def gpu(monkeypatch):
    """Without what reads values: the check of ranges."""
    for module in (fidelity, definitions, lpips, round_trip):
        monkeypatch.setattr(module, "check_pair", lambda *clips: None)
    for module in (inception, squeezenet):
        monkeypatch.setattr(module, "check_clip", lambda *clip: None)
    with ShapesOnly() as mode:
        yield mode


@pytest.fixture
def judge(gpu):
    judge = Judge({"class": 2}, 4).eval().requires_grad_(False).to("meta")
    judge.values = {"class": ["class0", "class1"]}
    return judge


def test_reconstructions_are_scored_where_the_tokenizer_computes(gpu, judge):
    store = random_store(6, "test", clip=(9, 16))
    scorers, _ = open_scorers(judge, None, 16)
    scorers += [Scorer("uniform", "", definitions.uniform_ssim), Scorer("frames", "", definitions.frame_psnr)]
    half = FunctionTokenizer(lambda clip: clip / 2)
    found = score(half, store, 4, scorers, judge_distances(judge, store), device="meta")
    assert found.scores["ssim"].shape == (6,) and found.features["frechet_video/judge"].shape == (6, 32)
    gpu.check("conv3d", "avg_pool2d", "mean")


def test_samples_are_measured_where_the_judge_is(gpu, judge):
    test, train = random_store(6, "test"), random_store(8, "train")
    samples = test.clips(range(6))
    (distance,) = judge_distances(judge, test, ("video",))
    features = distance.generated_features(samples)
    assert judge.classify(features).shape == (6,) and reference_representations(judge, test)["judge"].shape == (6, 32)
    assert nearest_records(samples, test, train, 0, judge.device)["nearest_train_psnr"]["n"] == 6
    gpu.check("conv3d", "linear", "adaptive_avg_pool3d")


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
    distances, left_out = open_distances(settings, {"test": store}, tmp_path, "meta")
    assert [distance.real.shape[1] for distance in distances] == [400, 2048, 512] and not left_out
    clips = store.clips(range(3)).to("meta")
    scorers, _ = open_scorers(None, settings, 32, ("lpips/alex", "perceptual/squeezenet1_0"))
    assert [scorer.compute(clips, clips).device.type for scorer in scorers] == ["meta", "meta"]
    gpu.check("conv2d", "conv3d", "interpolate")
