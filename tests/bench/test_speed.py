"""Speed with random weights at two sizes (`make bench`); in the test suite the smaller runs once, untimed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.sampling import sample
from sweettok.generation.task import PriorTask
from sweettok.metrics.frechet import FeatureMoments, frechet_distance
from sweettok.params import load_params
from sweettok.params.tokenizers import MAIN
from sweettok.training.criteria import CodeCriterion, PixelCriterion
from sweettok.training.curriculum import code_clips
from sweettok.training.proxy_task import ProxyTask
from sweettok.training.tokenizer_task import TokenizerTask

ROOT = Path(__file__).parents[2]
slow = pytest.mark.slow


def one_step(task, size):
    """A step of training without the optimiser's arithmetic: loss, gradients, and what follows (a discriminator)."""
    last = size.params.finetune_pixels.optimiser.steps  # by then the adversary takes part

    def step():
        loss, _ = task.loss(task.dataset[torch.arange(size.batch)], last)
        loss.backward()
        task.after_step(last)
        return loss

    return step


def prior_of(size, layout):
    settings, classes = size.params.generator, len(size.params.data.factors.motion)
    config = PriorConfig(settings.layers, settings.heads, settings.width, classes, settings.label_dropout, layout)
    return Prior(config, torch.Generator().manual_seed(0)).eval()


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_matmul(measured, dtype):
    """The ceiling that encode and decode are compared with."""
    a, b = torch.randn(2, 2048, 2048, dtype={"fp32": torch.float32, "bf16": torch.bfloat16}[dtype])
    facts = {"items": 1, "unit": "products", "gflop": 2 * 2.048**3, "dtype": dtype}
    result = measured(f"matmul 2048, {dtype}", lambda: a @ b, at="", **facts)
    assert result.shape == a.shape


def test_encode(measured, tokenizer, clip, size):
    tokenizer.requires_grad_(False)
    tokens = measured("encode", lambda: tokenizer.encode(clip), at=size.name, items=size.batch, operations=True)
    assert tokens.shape == (size.batch, sum(tokenizer.groups.values()))


def test_decode(measured, tokenizer, clip, size):
    tokens = tokenizer.requires_grad_(False).encode(clip)
    decoded = measured("decode", lambda: tokenizer.decode(tokens), at=size.name, items=size.batch, operations=True)
    assert decoded.shape == clip.shape


@pytest.mark.parametrize("name", [name for name in load_params(ROOT / "params.yaml").tokenizers if name != MAIN])
@pytest.mark.parametrize("way", ["encode", "decode"])
def test_registered_tokenizer(measured, opened, clip, size, name, way):
    """Those that params list beside the main model."""
    tokenizer = opened(name)
    given = clip if way == "encode" else tokenizer.encode(clip)
    found = measured(f"{way}: {name}", lambda: getattr(tokenizer, way)(given), at=size.name, items=size.batch)
    assert len(found) == size.batch


def test_codebook_lookup(measured, tokenizer, clip, size):
    """Nearest words of latents: the way in; the way back is an index into the cached codes."""
    quantizer = tokenizer.quantizers["temporal"]
    with torch.no_grad():
        latents = tokenizer.backbone.encode(tokenizer.features(clip))[1]
        found = measured("nearest words", lambda: quantizer(latents), at=size.name, items=size.batch)
    assert found.indices.shape == latents.shape[:2]


def test_proxy_training_step(measured, proxy, judge, stores, size):
    task = ProxyTask(proxy, judge, stores["train"], stores["val"], seed=0)
    loss = measured("train step: proxy", one_step(task, size), at=size.name, items=size.batch)
    proxy.eval().zero_grad()
    assert loss.isfinite()


@pytest.mark.parametrize("name", ["train_spatial", "train_joint", "finetune_pixels"])
def test_curriculum_step(measured, tokenizer, proxy, judge, stores, size, name):
    stage = getattr(size.params, name)
    criterion = CodeCriterion(size.params.code_loss, judge, steps=0)  # pictures from the first step on: the dearer part
    if stage.target == "pixels":
        criterion = PixelCriterion(size.params.pixel_loss, judge, stage.optimiser.steps)
    codes = {split: torch.from_numpy(code_clips(proxy, store)) for split, store in stores.items()}
    task = TokenizerTask(name, tokenizer, stage, criterion, stores["train"], stores["val"], codes)
    step = one_step(task, size)
    assert measured(f"train step: {name}", step, at=size.name, items=size.batch).isfinite()


def test_prior_step(measured, tokenizer, clip, stores, size):
    layout = layout_of(tokenizer)
    ids = dict.fromkeys(("train", "val"), layout.flatten(tokenizer.encode(clip)))
    task = PriorTask(prior_of(size, layout), ids, stores["train"], stores["val"], seed=0)
    assert measured("train step: prior", one_step(task, size), at=size.name, items=size.batch).isfinite()


@pytest.mark.parametrize("use_cache", [True, pytest.param(False, marks=slow)], ids=["cache", "no cache"])
def test_sampling(measured, tokenizer, size, use_cache):
    prior = prior_of(size, layout_of(tokenizer))
    labels = torch.arange(size.batch) % prior.config.classes
    tokens = measured(
        f"sample, {'' if use_cache else 'no '}cache",
        lambda: sample(prior, labels, size.params.sampling.candidates[0], torch.Generator().manual_seed(0), use_cache),
        at=size.name,
        items=size.batch * sum(tokenizer.groups.values()),
        unit="tokens",
        rounds=2,
    )
    assert tokens.shape == (size.batch, sum(tokenizer.groups.values()))


@pytest.mark.parametrize("clips, features", [(1000, 64), pytest.param(2048, 400, marks=slow)])
def test_frechet_distance(measured, clips, features):
    """64 features: the judge's at the default; 2,048 clips of 400 features: gFVD as published."""
    generated, real = np.random.default_rng(0).normal(size=(2, clips, features))
    distance = measured(
        "Frechet distance",
        lambda: frechet_distance(FeatureMoments.of(generated), FeatureMoments.of(real)),
        at=f"{clips} x {features}",
        items=clips,
    )
    assert distance > 0


def test_store_read(measured, stores, size):
    indices = torch.arange(len(stores["train"])).flip(0)
    read = measured("read clips", lambda: stores["train"].clips(indices), at=size.name, items=len(indices))
    assert len(read) == len(indices)
