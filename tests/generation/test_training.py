"""Tokens of clips and the training of a prior over them."""

import pickle

import pytest
import torch
from sprite_data import sprites_data

from sweettok.errors import InputError
from sweettok.generation.training import TokenizedClips, train_prior, validation_loss
from sweettok.params import Generator, Optimiser
from sweettok.training.curriculum import CHECKPOINTS, forget_training
from sweettok.video.prepare import prepare


def sprites(folder, frames=9):
    prepare(sprites_data(clips=(12, 5, 3), frames=frames), folder)
    return folder


@pytest.fixture(scope="module")
def pixels(make_model, tmp_path_factory):
    """Folder of a tokenizer with two or three indices a token."""
    folder = tmp_path_factory.mktemp("pixels")
    make_model(lookup="composed").write(folder)
    return folder


@pytest.fixture(scope="module")
def tokenized(pixels, tmp_path_factory):
    return TokenizedClips.of(pixels, sprites(tmp_path_factory.mktemp("store") / "data"))


def settings(**changes):
    optimiser = Optimiser(
        algorithm="adamw", steps=6, batch_size=4, lr=3e-3, final_lr=1e-3, warmup=1, betas=(0.9, 0.95), weight_decay=0.0,
        grad_clip=1.0, ema=0.5, precision="fp32", checkpoint_every=4, validate_every=6,
    )  # fmt: skip
    sizes = {"layers": 1, "heads": 2, "width": 16}
    return Generator(**(sizes | {"label_dropout": 0.1, "seed": 0, "optimiser": optimiser} | changes))


def test_ids_are_the_tokenizers_tokens(tokenized, pixels):
    from sweettok.models.tokenizer import VideoTokenizer

    tokenizer = VideoTokenizer.load(pixels)
    for split, store in (("train", tokenized.train), ("val", tokenized.val)):
        tokens = tokenized.layout.unflatten(tokenized.ids[split])
        assert torch.equal(tokens, tokenizer.encode(store.clips(range(len(store)))))


def test_they_go_to_other_processes(tokenized):
    there = pickle.loads(pickle.dumps(tokenized))
    assert there.layout == tokenized.layout and there.fingerprint == tokenized.fingerprint
    assert all(torch.equal(there.ids[split], tokenized.ids[split]) for split in ("train", "val"))
    assert torch.equal(there.val.clips([1, 3]), tokenized.val.clips([1, 3]))


def test_clips_of_another_length_are_refused(pixels, tmp_path):
    with pytest.raises(InputError, match="5x16x16 .*9x16x16"):
        TokenizedClips.of(pixels, sprites(tmp_path / "data", frames=5))


def test_size_and_seed_make_the_prior(tokenized, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, history = train_prior(settings(), tokenized, "prior-a")
    again, _ = train_prior(settings(), tokenized, "prior-b")
    other, _ = train_prior(settings(seed=1), tokenized, "prior-c")
    larger, _ = train_prior(settings(layers=2, width=32), tokenized, "prior-d")
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)
    assert first.parameter_count() == other.parameter_count() < larger.parameter_count()
    assert (larger.config.layers, larger.config.width, larger.config.classes) == (2, 32, 3)
    loss = validation_loss(first, tokenized)
    assert loss == pytest.approx(history[-1]["loss"] * tokenized.layout.indices_per_token)
    labels = torch.tensor(tokenized.val.labels["label"].to_numpy())
    with torch.no_grad():  # nats a token, of which each has several indices
        expected = first.cpu().loss(tokenized.ids["val"], labels)["loss"].item() * tokenized.layout.indices_per_token
    assert tokenized.layout.indices_per_token > 1 and loss == pytest.approx(expected, rel=1e-5)


def test_a_checkpoint_stays_until_it_is_forgotten(tokenized, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train_prior(settings(), tokenized, "prior-a")
    assert (CHECKPOINTS / "prior-a.pt").is_file()
    forget_training("prior-a")
    assert not (CHECKPOINTS / "prior-a.pt").exists()
    forget_training("prior-a")  # twice is once


def test_a_width_that_heads_cannot_share_is_refused(tokenized, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="width 18 .*2 heads"):
        train_prior(settings(width=18), tokenized, "prior-a")
