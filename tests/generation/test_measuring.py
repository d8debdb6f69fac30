"""A prior trained and measured in one go: what it reports is what its parts give, and set by the seed."""

import pytest
import torch
from sprite_data import sprites_data

from sweettok.generation.measuring import train_and_measure
from sweettok.generation.training import TokenizedClips
from sweettok.models.judge import Judge
from sweettok.params import Generator, Optimiser, Sampling
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore

OPTIMISER = Optimiser(
    algorithm="adamw", steps=4, batch_size=4, lr=3e-3, final_lr=1e-3, warmup=1, betas=(0.9, 0.95), weight_decay=0.0,
    grad_clip=1.0, ema=0.5, precision="fp32", checkpoint_every=4, validate_every=4,
)  # fmt: skip
SAMPLING = Sampling(
    samples=6, batch_size=4, guidance=[1.0, 2.0], temperature=[1.0], top_k=0, top_p=1.0, seed=5, choice_samples=4
)


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    judge = Judge({"class": 3}, 4).eval().requires_grad_(False)
    judge.fingerprint = "0" * 64
    return judge


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "data"
    prepare(sprites_data(clips=(12, 5, 6)), folder)
    return {split: ClipStore.open(folder, split) for split in ("train", "val", "test")}


@pytest.fixture
def measure(make_model, judge, stores, tmp_path, monkeypatch):
    """seed -> what a small prior over the tokens of a small tokenizer gives."""
    monkeypatch.chdir(tmp_path)
    tokenizer = make_model()
    clips = TokenizedClips.tokenized(tokenizer, stores["train"], stores["val"])

    def make(seed):
        settings = Generator(layers=1, heads=2, width=16, label_dropout=0.1, seed=seed, optimiser=OPTIMISER)
        return train_and_measure(settings, SAMPLING, tokenizer, clips, judge, stores["test"], f"prior-{seed}")

    return make


def test_the_same_seed_gives_the_same_numbers(measure):
    first, again, other = measure(0), measure(0), measure(1)
    values = [{name: entry["value"] for name, entry in one.metrics.items()} for one in (first, again, other)]
    assert values[0] == values[1] and values[0]["loss"] != values[2]["loss"]
    assert set(values[0]) == {"frechet_video/judge", "class_consistency", "loss"}
    assert first.metrics["frechet_video/judge"]["n"] == 6 and first.metrics["loss"]["seed"] == 0
    assert first.facts["steps"] == 4 and len(first.facts["choice"]) == 2
    assert first.facts["sampling"]["guidance"] in (1.0, 2.0) and first.history[-1]["step"] == 4
