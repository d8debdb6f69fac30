"""Speed at the default size with random weights (`make bench`); in the test suite each runs once, untimed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.sampling import sample
from sweettok.language.codebook import build_codebook
from sweettok.metrics.frechet import FeatureMoments, frechet_distance
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.params import PerPart, load_params
from sweettok.training.curriculum import build_tokenizer, code_clips
from sweettok.training.losses import PixelCriterion
from sweettok.training.tasks import ProxyTask, TokenizerTask
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
BATCH, CLIPS = 8, 16


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "data"
    sizes = PARAMS.data.clips.model_copy(update={"train": CLIPS, "val": BATCH, "test": 1})
    prepare(PARAMS.data.model_copy(update={"clips": sizes}), folder)
    return {split: ClipStore.open(folder, split) for split in ("train", "val")}


@pytest.fixture(scope="module")
def clip(stores):
    return stores["train"].clips(range(BATCH))


@pytest.fixture(scope="module")
def judge():
    return Judge({"class": PARAMS.data.classes}, PARAMS.judge.width).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def proxy(clip):
    proxy = ProxyTokenizer(PARAMS.proxy, PARAMS.patches)
    with torch.no_grad():
        proxy.train()(clip)  # the codes start from the first batch
    return proxy.eval()


@pytest.fixture(scope="module")
def codebook():
    captions = [
        f"a {a} {n} {v} {r}"
        for a in ("red", "tiny", "dark")
        for n in ("ball", "star")
        for v, r in (("slides", "slowly"), ("spins", "quickly"))
    ]
    every_word = PerPart(adjective=1, noun=1, adverb=1, verb=1)
    settings = PARAMS.codebook.model_copy(update={"provider": "hashed", "min_count": every_word})
    return build_codebook(captions, settings)


@pytest.fixture
def tokenizer(codebook, proxy):
    return build_tokenizer(PARAMS.tokenizer, codebook, proxy, (PARAMS.data.frames, PARAMS.data.size)).eval()


def one_step(task):
    """A step of training without the optimiser's arithmetic: loss, gradients, and what follows (a discriminator)."""
    last = PARAMS.finetune_pixels.optimiser.steps  # by then the adversary takes part

    def step():
        loss, _ = task.loss(task.read(torch.arange(BATCH)), last)
        loss.backward()
        task.after_step(last)
        return loss

    return step


def test_encode(benchmark, tokenizer, clip):
    assert benchmark(tokenizer.encode, clip).shape == (BATCH, sum(tokenizer.groups.values()))


def test_decode(benchmark, tokenizer, clip):
    assert benchmark(tokenizer.decode, tokenizer.encode(clip)).shape == clip.shape


def test_codebook_lookup(benchmark, tokenizer, clip):
    quantizer = tokenizer.quantizers["spatial"]
    tokens = tokenizer.encode(clip)[:, : PARAMS.tokenizer.spatial_tokens]
    with torch.no_grad():
        looked_up = benchmark(quantizer.lookup, tokens)
    assert looked_up.shape == (*tokens.shape, PARAMS.tokenizer.width)


def test_proxy_training_step(benchmark, proxy, judge, stores):
    task = ProxyTask(proxy, judge, stores["train"], stores["val"], seed=0)
    loss = benchmark(one_step(task))
    proxy.eval().zero_grad()
    assert loss.isfinite()


@pytest.mark.parametrize("name", ["train_spatial", "train_joint", "finetune_pixels"])
def test_curriculum_step(benchmark, tokenizer, proxy, judge, stores, name):
    stage = getattr(PARAMS, name)
    criterion = (
        PixelCriterion(PARAMS.pixel_loss, judge, PARAMS.patches.temporal, stage.optimiser.steps)
        if stage.target == "pixels"
        else None
    )
    codes = {split: torch.from_numpy(code_clips(proxy, store)) for split, store in stores.items()}
    task = TokenizerTask(name, tokenizer, stage, criterion, PARAMS.code_loss, stores["train"], stores["val"], codes)
    assert benchmark(one_step(task)).isfinite()


def test_sampling(benchmark, tokenizer):
    settings, layout = PARAMS.generator, layout_of(tokenizer)
    config = PriorConfig(
        settings.layers, settings.heads, settings.width, PARAMS.data.classes, settings.label_dropout, layout
    )
    prior = Prior(config, torch.Generator().manual_seed(0)).eval()
    labels = torch.arange(BATCH) % PARAMS.data.classes
    tokens = benchmark(lambda: sample(prior, labels, PARAMS.sampling, torch.Generator().manual_seed(0)))
    assert tokens.shape == (BATCH, sum(tokenizer.groups.values()))
    if benchmark.enabled:
        benchmark.extra_info["tokens_per_s"] = tokens.numel() / benchmark.stats.stats.mean


def test_frechet_distance_of_1000_clips(benchmark):
    made, real = np.random.default_rng(0).normal(size=(2, 1000, 4 * PARAMS.judge.width))
    distance = benchmark(lambda: frechet_distance(FeatureMoments.of(made), FeatureMoments.of(real)))
    assert distance > 0


def test_store_read(benchmark, stores):
    indices = torch.arange(CLIPS).flip(0)
    assert len(benchmark(stores["train"].clips, indices)) == CLIPS
