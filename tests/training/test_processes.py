"""Two processes on the CPU train as one does: compared step by step."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import CodeLoss, PixelLoss
from sweettok.training import loop
from sweettok.training.checkpoint import save_module
from sweettok.training.curriculum import TrainingData, build_tokenizer, code_clips, load_judge, save_proxy, train_stage

ROOT = Path(__file__).parents[2]
ALL = ("features", "spatial", "temporal", "decoder", "pixel_decoder")
SCRIPT = Path(__file__).with_name("one_of_two.py")
LAUNCHER = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
STEPS, BATCH = 6, 4
TRAININGS = {  # name -> tokenizer, training, machine
    "language": ({}, {}, {}),
    "images": ({}, {"clips": "images", "trains": ("spatial", "decoder")}, {"workers": 1}),
    "learned": ({"quantizer": "learned"}, {}, {"activation_checkpointing": True}),
    "pixels": ({}, {"target": "pixels", "trains": ("decoder", "pixel_decoder"), "accumulate": 2}, {}),
    "half": ({"architecture": "coupled"}, {"precision": "bf16"}, {}),
    "end_to_end": ({"architecture": "downsample"}, {"target": "pixels", "trains": ALL}, {}),
    "muon": ({}, {"algorithm": "muon"}, {}),
}


@pytest.fixture(scope="module")
def given(tmp_path_factory, data_folder, stores, proxy, judge, tokenizer_of, codebook, stage_of):
    """A folder with what the trainings need, and name -> (training, machine)."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "data").symlink_to(data_folder)
    save_proxy(folder / "proxy", proxy, {split: code_clips(proxy, stores[split]) for split in ("train", "val")}, [])
    save_module(folder / "judge", judge, {"labels": {"class": ["a", "b", "c"]}, "width": 4}, [])
    chosen = {}
    for name, (tokenizer, stage, machine) in TRAININGS.items():
        model = build_tokenizer(tokenizer_of(**tokenizer), codebook, proxy, (9, 16)).eval()
        model.save(folder / name)
        schedule = {"algorithm": "adamw", "steps": STEPS, "batch_size": BATCH, "lr": 1e-3, "final_lr": 3e-4}
        schedule |= {"checkpoint_every": 4, "validate_every": 2}
        chosen[name] = stage_of(**(schedule | stage)), machine
    layout = layout_of(VideoTokenizer.load(folder / "language"))
    Prior(PriorConfig(1, 2, 16, 3, 0.5, layout), torch.Generator().manual_seed(0)).save(folder / "prior")
    return folder, chosen


LOSSES = {
    "code_loss": {"cross_entropy": 1.0, "code_l2": 2.0, "l2": 0.5, "perceptual": 0.1, "picture_start": 0.0},
    "pixel_loss": {
        "l2": 4.0, "perceptual": 0.1, "adversarial": 0.05, "feature_matching": 0.04, "adversarial_start": 0.25,
        "discriminator_width": 4, "discriminator_lr": 1e-3,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def two(given):
    """The folder of the processes' records, (training, process) -> its record and models."""
    folder, chosen = given
    described = {
        name: {"stage": stage.model_dump(mode="json"), "machine": machine, **LOSSES}
        for name, (stage, machine) in chosen.items()
    }
    (folder / "trainings.json").write_text(json.dumps(described))
    written = folder / "records"
    done = subprocess.run(
        [sys.executable, "-m", *LAUNCHER, str(SCRIPT), str(folder), str(written)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    records = {}
    for name in described:
        for rank in (0, 1):
            record = json.loads((written / f"{name}.{rank}.json").read_text())
            records[name, rank] = record | torch.load(written / f"{name}.{rank}.pt", weights_only=True)
    return Two(written, records)


class Two(NamedTuple):
    written: Path
    records: dict[tuple[str, int], dict]

    @property
    def trainings(self) -> list[str]:
        return [name for name, rank in self.records if rank == 0]


@pytest.fixture(scope="module")
def train_alone(given):
    """Training's name -> (model, averaged model, history) of one process, whole batches."""
    folder, chosen = given
    training_data = TrainingData.load(folder / "data", folder / "proxy")

    def run(name):
        model, stage = VideoTokenizer.load(folder / name), chosen[name][0]
        pixels = stage.target == "pixels"
        losses = {
            "code_loss": None if pixels else CodeLoss.model_validate(LOSSES["code_loss"]),
            "pixel_loss": PixelLoss.model_validate(LOSSES["pixel_loss"]) if pixels else None,
            "judge": load_judge(folder / "judge"),
        }
        stage = stage.model_copy(update={"optimiser": stage.optimiser.model_copy(update={"accumulate": 1})})
        averaged, history = train_stage(name, model, stage, training_data, **losses)
        return model, averaged, history

    return run


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loop, "LOG_EVERY", 1)


@pytest.mark.parametrize("name", TRAININGS)
def test_the_same_losses_and_statistics_as_one_process(two, train_alone, name):
    model, averaged, history = train_alone(name)
    together = two.records[name, 0]["history"]
    # Each part's pass through the discriminator brings its spectral norms nearer their limit.
    tolerance = {"discriminator": 1e-3} if "accumulate" in TRAININGS[name][1] else {}
    assert [(row["step"], row["split"]) for row in together] == [(row["step"], row["split"]) for row in history]
    assert sum(row["split"] == "train" for row in history) == STEPS
    if TRAININGS[name][1].get("precision") == "bf16":  # 8 bits, rounded by batches: with the first other word they part
        losses, theirs = ([row["loss"] for row in rows if row["split"] == "train"] for rows in (history, together))
        assert theirs[0] == pytest.approx(losses[0], rel=1e-3) and theirs == pytest.approx(losses, rel=0.1)
        return
    for one, other in zip(history, together, strict=True):
        for metric in ("loss", "psnr", "accuracy", "discriminator", "usage_spatial", "usage_temporal"):
            mean_of_shares = one["split"] == "train" and metric.startswith(("usage", "psnr"))
            if metric in one and not mean_of_shares:
                assert other[metric] == pytest.approx(one[metric], abs=tolerance.get(metric, 1e-4)), (
                    metric,
                    one["step"],
                )
    for kind, mine in (("model", model), ("averaged", averaged)):
        # Weights that hardly matter have gradients of mere rounding, which Adam takes as seriously as any.
        for key, value in mine.state_dict().items():
            if "to_code" in key or "quantize._codebook" in key:
                assert torch.allclose(value.float(), two.records[name, 0][kind][key].float(), atol=1e-4, rtol=1e-3), key


@pytest.mark.parametrize("name", TRAININGS)
def test_both_processes_end_with_the_same_model_and_history(two, name):
    """Bit for bit: weights, codebook statistics, averages, metrics."""
    assert two.records[name, 0]["history"] == two.records[name, 1]["history"]
    for kind in ("model", "averaged"):
        one, other = two.records[name, 0][kind], two.records[name, 1][kind]
        assert all(torch.equal(value, other[key]) for key, value in one.items())


def test_two_resume_where_they_were(two):
    """From step 4, bit for bit."""
    for rank in (0, 1):
        whole = two.records["language", rank]
        resumed = json.loads((two.written / f"resumed.{rank}.json").read_text())
        assert resumed["history"] == whole["history"]
        assert [clips for _, clips in resumed["seen"]] == [clips for _, clips in whole["seen"][4:]]
        averaged = torch.load(two.written / f"resumed.{rank}.pt", weights_only=True)["averaged"]
        assert all(torch.equal(value, averaged[key]) for key, value in whole["averaged"].items())


def test_the_adversary_took_part(two):
    for name in ("pixels", "end_to_end"):
        rows = [row for row in two.records[name, 0]["history"] if row["split"] == "train"]
        assert ["discriminator" in row for row in rows] == [False] * 2 + [True] * 4  # from a quarter of the steps on


def test_seeds_and_clips_of_the_processes_are_their_own(two, given):
    for name in two.trainings:
        accumulate = given[1][name][0].optimiser.accumulate
        one, other = (two.records[name, rank]["seen"] for rank in (0, 1))
        assert len(one) == len(other) == STEPS * accumulate
        seeds = [{seed for seed, _ in seen} for seen in (one, other)]
        assert len(seeds[0]) == len(seeds[1]) == STEPS and not seeds[0] & seeds[1]
        assert all(len(clips) == BATCH // 2 // accumulate for _, clips in one + other)
        first_epoch = [clip for seen in (one, other) for _, clips in seen[: 3 * accumulate] for clip in clips]
        assert sorted(first_epoch) == list(range(12))  # three batches of four are all clips, each once


def test_only_the_first_process_writes(two):
    assert sorted(path.name for path in (two.written / "process_0").rglob("*.pt")) == sorted(
        f"{n}.pt" for n in two.trainings
    )
    assert list((two.written / "process_1").iterdir()) == []


def test_what_two_processes_began_one_may_finish(two, train_alone, caplog):
    Path("outputs/.checkpoints").mkdir(parents=True)
    shutil.copy(two.written / "process_0/outputs/.checkpoints/language.pt", "outputs/.checkpoints")
    with caplog.at_level("INFO"):
        _, _, history = train_alone("language")
    assert "at step 4" in caplog.text
    together = two.records["language", 0]["history"]
    assert history[-1]["psnr"] == pytest.approx(together[-1]["psnr"], abs=1e-4)
    assert [row["step"] for row in history] == [row["step"] for row in together]


def test_codes_samples_and_scores_are_those_of_one_process(two, given):
    folder, _ = given
    spec = importlib.util.spec_from_file_location("one_of_two", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    training_data, judge = TrainingData.load(folder / "data", folder / "proxy"), load_judge(folder / "judge")
    script.evaluate(folder, training_data, judge, Path("alone.pt"))
    files = ("alone.pt", two.written / "evaluation.0.pt", two.written / "evaluation.1.pt")
    alone, *both = (torch.load(file, weights_only=True) for file in files)
    assert len(alone["tokens"]) == 7 and len(alone["psnr"]) == len(alone["codes"]) == 12
    for found in both:
        assert found.keys() == alone.keys()
        assert all(torch.equal(found[name], value) for name, value in alone.items())
