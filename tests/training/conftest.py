"""Twelve small clips, a drawn codebook, a proxy and a judge with initial weights: everything a training reads."""

import pytest
import torch
from sprite_data import sprites_data

from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.task import PriorTask
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.params import CodeLoss, CurriculumStage, Optimiser, Patches, PixelLoss, Proxy
from sweettok.training.criteria import CodeCriterion, PixelCriterion
from sweettok.training.curriculum import TrainingData, build_tokenizer, code_clips, train_stage
from sweettok.training.judge_task import JudgeTask, judge_labels
from sweettok.training.proxy_task import ProxyTask
from sweettok.training.tokenizer_task import TokenizerTask
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore

PARTS = {"adjective": 8, "noun": 8, "adverb": 8, "verb": 8}


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "data"
    prepare(sprites_data(two_objects=0.25), folder)
    return folder


@pytest.fixture(scope="session")
def stores(data_folder):
    return {split: ClipStore.open(data_folder, split) for split in ("train", "val", "test")}


@pytest.fixture(scope="session")
def codebook(codebook_of):
    generator = torch.Generator().manual_seed(0)
    words = [f"{part}{place}" for part, count in PARTS.items() for place in range(count)]
    edges = [(a, 8 + (3 * a + step) % 8) for a in range(8) for step in range(2)]
    edges = torch.tensor(edges + [(a + 16, b + 16) for a, b in edges])
    part_of_speech = [part for part, count in PARTS.items() for _ in range(count)]
    return codebook_of(words, part_of_speech, edges, torch.ones(len(edges), dtype=torch.int64), generator)


@pytest.fixture(scope="session")
def optimiser_of():
    """overrides -> Optimiser params for a dozen steps."""

    def make(**overrides):
        settings = {
            "algorithm": "muon", "steps": 12, "batch_size": 3, "lr": 3e-3, "final_lr": 1e-3, "adam_lr": 3e-3,
            "warmup": 2, "betas": (0.9, 0.99), "weight_decay": 1e-4,
            "grad_clip": 1.0, "ema": 0.9, "precision": "fp32", "checkpoint_every": 5, "validate_every": 6,
        }  # fmt: skip
        return Optimiser(**(settings | overrides))

    return make


@pytest.fixture(scope="session")
def stage_of(optimiser_of):
    """clips, target, trains, optimiser overrides -> a training of the curriculum."""

    def make(clips="videos", target="proxy_codes", trains=("spatial", "temporal", "decoder"), **optimiser):
        return CurriculumStage(clips=clips, target=target, trains=trains, seed=0, optimiser=optimiser_of(**optimiser))

    return make


@pytest.fixture(scope="session")
def make_proxy(optimiser_of, stores):
    """A proxy of 16 codes that the clips use evenly, else with initial weights, always the same."""

    def make():
        torch.manual_seed(0)
        params = Proxy(
            width=12, encoder_blocks=1, decoder_blocks=1, levels=(4, 4), l2=4.0, perceptual=0.05, seed=0,
            optimiser=optimiser_of(),
        )  # fmt: skip
        proxy = ProxyTokenizer(params, Patches(spatial=4, temporal=2)).eval().requires_grad_(False)
        latents = proxy.latents(stores["train"].clips(range(12))).flatten(0, 2)
        proxy.to_code.bias.sub_(latents.mean(0)).div_(latents.std(0))
        proxy.to_code.weight.div_(latents.std(0)[:, None])
        return proxy

    return make


@pytest.fixture(scope="session")
def proxy(make_proxy):
    return make_proxy()


@pytest.fixture(scope="session")
def judge():
    torch.manual_seed(0)
    judge = Judge({"class": 3}, 4).eval().requires_grad_(False)
    for norm in judge.modules():
        if isinstance(norm, torch.nn.BatchNorm3d):
            # Few channels, all silent at a place: there the perceptual loss is so steep that rounding grows to decibels.
            norm.bias.add_(2.0)
    judge.fingerprint = "judge of the tests"
    return judge


@pytest.fixture(scope="session")
def training_data(stores, proxy):
    codes = {split: torch.from_numpy(code_clips(proxy, stores[split])) for split in ("train", "val")}
    return TrainingData(stores["train"], stores["val"], codes, "training data of the tests")


@pytest.fixture
def make_model(tokenizer_of, codebook, proxy, training_data):
    """overrides -> a tokenizer with initial weights, always the same for the same overrides."""
    return lambda **overrides: build_tokenizer(tokenizer_of(**overrides), codebook, proxy, training_data.clip)


@pytest.fixture
def pixel_loss():
    """The discriminator acts from the fourth of twelve steps on."""
    return PixelLoss(
        l2=4.0, perceptual=0.1, adversarial=0.05, feature_matching=0.04, adversarial_start=0.25, discriminator_width=4,
        discriminator_lr=1e-3,
    )  # fmt: skip


@pytest.fixture
def code_loss():
    return CodeLoss(cross_entropy=1.0, code_l2=2.0, l2=0.5, perceptual=0.1, picture_start=0.0)


@pytest.fixture
def run_stage(training_data, code_loss, pixel_loss, judge):
    """name, model, stage -> what train_stage returns, with the losses that suit the stage's target."""

    def run(name, model, stage, **changes):
        losses = {"pixel_loss": pixel_loss} if stage.target == "pixels" else {"code_loss": code_loss}
        given = {"data": training_data, "judge": judge} | losses | changes
        return train_stage(name, model, stage, **given)

    return run


@pytest.fixture
def task_of(training_data, code_loss, pixel_loss, judge):
    """model, stage -> the task of that training."""

    def make(model, stage, given=training_data):
        pixels = stage.target == "pixels"
        criterion = (
            PixelCriterion(pixel_loss, judge, stage.optimiser.steps)
            if pixels
            else CodeCriterion(code_loss, judge, stage.optimiser.steps)
        )
        return TokenizerTask("x", model, stage, criterion, given.train, given.val, given.codes)

    return make


@pytest.fixture
def default_task(stores, judge, make_proxy, make_model, stage_of, task_of):
    """Name of one of the default's trainings, overrides of the tokenizer -> its task."""
    train, val = stores["train"], stores["val"]

    def make(name, **overrides):
        torch.manual_seed(0)
        if name == "judge":
            labels = {label: len(values) for label, values in judge_labels(train).items()}
            return JudgeTask(Judge(labels, 4), train, train, 0)  # val has a shape that train lacks
        if name == "proxy":
            return ProxyTask(make_proxy().requires_grad_(True), judge, train, val, 0)
        model = make_model(**overrides)
        if name == "prior":
            layout = layout_of(model)
            clips = {store.split: store.clips(range(len(store))) for store in (train, val)}
            ids = {split: layout.flatten(model.eval().encode(each)) for split, each in clips.items()}
            prior = Prior(PriorConfig(1, 2, 8, len(train.classes), 0.1, layout), torch.Generator().manual_seed(0))
            return PriorTask(prior, ids, train, val, 0)
        stages = {
            "spatial": {"clips": "images", "trains": ("spatial", "decoder")},
            "joint": {},
            "pixels": {"target": "pixels", "trains": ("pixel_decoder",)},
        }
        return task_of(model, stage_of(**stages[name]))

    return make
