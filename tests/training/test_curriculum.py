"""Trainings as data: resumed ones equal uninterrupted ones, their data on disk."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from sweettok.errors import InputError
from sweettok.models.judge import Judge
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.training.checkpoint import save_module
from sweettok.training.curriculum import (
    CHECKPOINTS,
    TrainingData,
    build_tokenizer,
    code_clips,
    finish_stage,
    load_judge,
    load_proxy,
    save_proxy,
    weights_hash,
)
from sweettok.training.tokenizer_task import TokenizerTask

ALL = ("features", "spatial", "temporal", "decoder", "pixel_decoder")


class Killed(Exception):
    pass


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def kill_at(monkeypatch):
    """step, or None -> from now on, trainings die at that step, or run on."""
    original = TokenizerTask.loss

    def arm(deadly):
        def loss(self, batch, step):
            if step == deadly:
                raise Killed
            return original(self, batch, step)

        monkeypatch.setattr(TokenizerTask, "loss", loss)

    return arm


TRAININGS = {
    "spatial": ({}, {"clips": "images", "trains": ("spatial", "decoder")}),
    "joint": ({}, {}),
    "joint, adamw": ({}, {"algorithm": "adamw"}),
    "joint, bf16": ({}, {"precision": "bf16"}),
    "joint, learned": ({"quantizer": "learned"}, {}),
    "pixels": ({}, {"target": "pixels", "trains": ("decoder", "pixel_decoder")}),
    "end to end, learned": (
        {"quantizer": "learned", "architecture": "downsample"},
        {"target": "pixels", "trains": ALL},
    ),
}


@pytest.mark.parametrize("name", TRAININGS)
def test_killed_and_resumed_is_uninterrupted(make_model, stage_of, run_stage, kill_at, caplog, name):
    model_of, stage_overrides = TRAININGS[name]

    def run(training):
        model = make_model(**model_of)
        averaged, history = run_stage(training, model, stage_of(**stage_overrides))
        return weights_hash(averaged), weights_hash(model), history

    expected = run("whole")
    for death in (8, 11):
        kill_at(death)
        with pytest.raises(Killed):
            run("killed")
    kill_at(None)
    with caplog.at_level(logging.INFO):
        assert run("killed") == expected
    assert "outputs/.checkpoints/killed.pt at step 10" in caplog.text


def test_checkpoint_of_other_params_or_weights_is_not_resumed(make_model, stage_of, run_stage, kill_at, caplog):
    kill_at(8)
    with pytest.raises(Killed):
        run_stage("x", make_model(), stage_of())
    kill_at(7)  # dies again, unless it starts at step 10
    for model, stage in (
        (make_model(), stage_of(lr=1e-3)),
        (make_model(seed=1), stage_of()),
        (make_model(commitment=0.5), stage_of()),
    ):
        caplog.clear()
        with pytest.raises(Killed):
            run_stage("x", model, stage)
        assert "other params" in caplog.text


def test_finish_stage_writes_model_and_history_and_drops_the_checkpoint(make_model, training_data):
    CHECKPOINTS.mkdir(parents=True)
    (CHECKPOINTS / "joint.pt").write_bytes(b"x")
    model = make_model().eval()
    finish_stage("joint", model, [{"step": 1, "split": "val", "psnr": 20.0}])
    assert not (CHECKPOINTS / "joint.pt").exists()
    clip = training_data.val.clips([0, 1])
    assert torch.equal(VideoTokenizer.load("outputs/joint").reconstruct(clip), model.reconstruct(clip))
    assert Path("outputs/joint/history.csv").read_text() == "step,split,psnr\n1,val,20\n"


def test_a_loaded_model_trains_as_the_one_that_was_saved(make_model, stage_of, run_stage):
    model = make_model()
    model.save("model")
    loaded = VideoTokenizer.load("model")
    one, _ = run_stage("one", model, stage_of(steps=3))
    other, _ = run_stage("other", loaded, stage_of(steps=3))
    assert weights_hash(one) == weights_hash(other)


def test_seed_decides_the_initial_weights(make_model):
    assert weights_hash(make_model()) == weights_hash(make_model()) != weights_hash(make_model(seed=1))


def test_features_and_decoder_start_from_the_proxy_or_not(tokenizer_of, codebook, proxy, training_data):
    for start, same in (("proxy", True), ("random", False)):
        model = build_tokenizer(tokenizer_of(start=start, seed=1), codebook, proxy, training_data.clip)
        assert (weights_hash(model.pixel_decoder) == weights_hash(proxy.decoder)) == same
        assert (weights_hash(model.features) == weights_hash(proxy.encoder)) == same


def test_proxy_and_its_codes_on_disk(proxy, stores, data_folder):
    codes = {split: code_clips(proxy, stores[split]) for split in ("train", "val")}
    assert codes["train"].shape == (12, 5, 16) and codes["train"].dtype == np.int32
    assert np.array_equal(codes["val"], proxy.encode(stores["val"].clips(range(4))).numpy())
    save_proxy("proxy", proxy, codes, [{"step": 1}])
    loaded = load_proxy("proxy")
    assert weights_hash(loaded) == weights_hash(proxy) and not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    training_data = TrainingData.load(data_folder, "proxy")
    assert training_data.clip == (9, 16) and torch.equal(training_data.codes["train"], torch.from_numpy(codes["train"]))


def test_a_share_of_the_training_data_has_the_codes_of_its_clips(proxy, stores, data_folder):
    save_proxy("proxy", proxy, {split: code_clips(proxy, stores[split]) for split in ("train", "val")}, [])
    whole = TrainingData.load(data_folder, "proxy")
    shares = [whole.share(number, 2) for number in (0, 1)]
    for number, share in enumerate(shares):
        assert torch.equal(share.codes["train"], whole.codes["train"][number::2])
        assert np.array_equal(share.codes["train"], code_clips(proxy, share.train))
        assert torch.equal(share.codes["val"], whole.codes["val"]) and len(share.val) == len(whole.val)
    assert len({one.fingerprint for one in (whole, *shares)}) == 3


def test_codes_of_other_clips_are_refused(proxy, stores, data_folder):
    codes = {split: code_clips(proxy, stores[split]) for split in ("train", "val")}
    save_proxy("proxy", proxy, codes | {"train": codes["train"][:5]}, [])
    with pytest.raises(InputError, match=r"codes_train\.npy .*5 .*12"):
        TrainingData.load(data_folder, "proxy")


def test_a_store_of_other_clips_than_the_proxys_is_refused(proxy, stores, data_folder):
    codes = {split: code_clips(proxy, stores[split]) for split in ("train", "val")}
    save_proxy("proxy", proxy, {split: array[:, :4] for split, array in codes.items()}, [])
    with pytest.raises(InputError, match="9x16x16 .*proxy .*7x16x16; .*`dvc repro`"):
        TrainingData.load(data_folder, "proxy")
    save_proxy("proxy", proxy, codes | {"val": codes["val"][:, :, :4]}, [])
    with pytest.raises(InputError, match="val .*9x16x16 .*proxy .*9x8x8"):
        TrainingData.load(data_folder, "proxy")


def test_a_model_for_other_clips_is_not_trained(tokenizer_of, codebook, proxy, run_stage, stage_of):
    model = build_tokenizer(tokenizer_of(), codebook, proxy, (5, 16))
    with pytest.raises(InputError, match="9x16x16 .*tokenizer .*5x16x16"):
        run_stage("joint", model, stage_of())


def test_training_data_are_told_apart_by_clips_and_proxy(proxy, make_proxy, stores, data_folder):
    codes = {split: code_clips(proxy, stores[split]) for split in ("train", "val")}
    save_proxy("one", proxy, codes, [])
    other = make_proxy()
    other.decoder.expand.weight.data.add_(1.0)
    save_proxy("other", other, codes, [])
    prints = [TrainingData.load(data_folder, folder).fingerprint for folder in ("one", "one", "other")]
    assert prints[0] == prints[1] != prints[2]


def test_judge_on_disk(stores):
    torch.manual_seed(0)
    judge = Judge({"class": 3, "factor:shape": 2}, 4).eval()
    save_module("judge", judge, {"labels": {"class": ["a", "b", "c"], "factor:shape": ["d", "e"]}, "width": 4}, [])
    loaded = load_judge("judge")
    clip = stores["val"].clips([0])
    assert torch.equal(loaded.predict(clip)["class"][1], judge.predict(clip)["class"][1])
    assert len(loaded.fingerprint) == 64 and not any(p.requires_grad for p in loaded.parameters())
    with pytest.raises(InputError, match="nowhere/config.json .*exist"):
        load_judge("nowhere")


def test_weights_hash_sees_every_bit_and_name():
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    other.load_state_dict(one.state_dict())
    assert weights_hash(one) == weights_hash(other)
    with torch.no_grad():
        other.bias[1] = torch.nextafter(other.bias[1], torch.tensor(9.0))
    assert weights_hash(one) != weights_hash(other)
