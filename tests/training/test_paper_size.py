"""One optimisation step of every training at the paper's size (profiles/ucf101.yaml): width, depth, proxy codes and
vocabulary. What is smaller is the picture, 32x32 instead of 256x256, with it the grid and the tokens that lie on it, and,
by default, the prior's width; `slow` runs all in full."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sprite_data import sprites_data

from sweettok.generation.layout import TokenLayout, layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.task import PriorTask
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import load_params
from sweettok.training.criteria import CodeCriterion, PixelCriterion
from sweettok.training.curriculum import code_clips
from sweettok.training.muon import optimisers
from sweettok.training.proxy_task import ProxyTask
from sweettok.training.tokenizer_task import TokenizerTask
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore

PAPER = load_params(Path(__file__).parents[2] / "profiles" / "ucf101.yaml")
CLASSES = 3
TOKENS = {32: (4, 16), 256: (PAPER.tokenizer.spatial_tokens, PAPER.tokenizer.temporal_tokens)}  # a share of the patches
SIZES = [32, pytest.param(256, marks=pytest.mark.slow)]


class Rig:
    """What the trainings share: two clips, the judge, the proxy, and one tokenizer that goes from stage to stage."""

    def __init__(self, folder, size, codebook):
        prepare(sprites_data(clips=(2, 1, 1), frames=17, size=size, motions=CLASSES, two_objects=0.25), folder)
        self.stores = {split: ClipStore.open(folder, split) for split in ("train", "val")}
        torch.manual_seed(0)
        self.judge = Judge({"class": CLASSES}, PAPER.judge.width).eval().requires_grad_(False)
        self.proxy = ProxyTokenizer(PAPER.proxy, PAPER.patches)
        self.tokens = TOKENS[size]
        spatial, temporal = self.tokens
        tokenizer = PAPER.tokenizer.model_copy(update={"spatial_tokens": spatial, "temporal_tokens": temporal})
        self.tokenizer = VideoTokenizer(tokenizer, PAPER.patches, PAPER.proxy, (17, size), codebook)


@pytest.fixture(scope="module", params=SIZES, ids=str)
def rig(request, tmp_path_factory, vocabulary_of, paper_words):
    return Rig(tmp_path_factory.mktemp("paper") / "data", request.param, vocabulary_of(**paper_words, width=512))


def step(task, optimiser):
    """Loss, gradient and the optimisers' move of everything that the task trains -> loss; every weight that has to move does."""
    movers = optimisers(task.model, task.trainable(), optimiser)
    loss, _ = task.loss(task.dataset[torch.arange(2)], optimiser.steps)
    loss.backward()
    before = [parameter.detach().flatten()[:8].clone() for parameter in task.trainable()]
    for mover in movers:
        mover.step()
    task.after_step(optimiser.steps)
    moved = [
        not torch.equal(parameter.detach().flatten()[:8], was)
        for parameter, was in zip(task.trainable(), before, strict=True)
        if parameter.grad is not None and parameter.grad.flatten()[:8].abs().max() > 1e-6
    ]
    task.model.zero_grad()
    assert loss.isfinite() and len(moved) > len(before) // 2 and all(moved)
    return loss.item()


def test_proxy(rig):
    assert step(ProxyTask(rig.proxy, rig.judge, rig.stores["train"], rig.stores["val"], 0), PAPER.proxy.optimiser) > 0
    codes = rig.proxy.eval().encode(rig.stores["train"].clips([0]))
    assert codes.shape == (1, 5, (rig.stores["train"].size // 8) ** 2) and 0 <= codes.min() <= codes.max() < 8192


@pytest.mark.parametrize("name", ["train_spatial", "train_joint", "finetune_pixels"])
def test_curriculum(rig, name):
    stage, store = getattr(PAPER, name), rig.stores["train"]
    criterion = CodeCriterion(PAPER.code_loss, rig.judge, 1)
    if stage.target == "pixels":
        criterion = PixelCriterion(PAPER.pixel_loss, rig.judge, stage.optimiser.steps)
    codes = {split: torch.from_numpy(code_clips(rig.proxy.eval(), of)) for split, of in rig.stores.items()}
    task = TokenizerTask(name, rig.tokenizer, stage, criterion, store, rig.stores["val"], codes)
    assert step(task, stage.optimiser) > 0


def test_tokens_and_clip(rig):
    clip = rig.stores["train"].clips([0])
    tokens = rig.tokenizer.eval().encode(clip)
    assert tokens.shape == (1, sum(rig.tokens)) and rig.tokenizer.decode(tokens).shape == clip.shape


@pytest.mark.parametrize("width", [192, pytest.param(PAPER.generator.width, marks=pytest.mark.slow)])
def test_prior(rig, width):
    """All 24 layers on the whole sequence of 1,280 words. SGD, for AdamW's moments of 750M weights are 6 GB."""
    settings, groups = PAPER.generator, layout_of(rig.tokenizer).groups
    layout = TokenLayout(tuple(replace(group, tokens=n) for group, n in zip(groups, TOKENS[256], strict=True)))
    config = PriorConfig(settings.layers, settings.heads, width, CLASSES, settings.label_dropout, layout)
    prior = Prior(config, torch.Generator().manual_seed(0))
    ids = torch.randint(10481, (2, layout.length), generator=torch.Generator().manual_seed(0))
    ids[:, 256:] += 10481  # the temporal words, of which there are more, come after the spatial ones
    task = PriorTask(prior, {"train": ids, "val": ids}, rig.stores["train"], rig.stores["train"], 0)
    before = prior.head.weight.detach().clone()
    loss, metrics = task.loss(task.dataset[torch.arange(1)], 0)
    loss.backward()
    torch.optim.SGD(task.trainable(), lr=0.1).step()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in task.trainable())
    assert not torch.equal(prior.head.weight, before)
    assert metrics["bits_per_token"] == pytest.approx(17185 / 1280, rel=0.02)  # knows nothing yet
