"""Valid extremes of params.yaml: the whole pipeline works, or a stage refuses with one line; never a traceback."""

import copy
import math
import runpy
import sys

import pytest
import yaml
from scratch_project import ROOT

from sweettok.params import resolved_yaml
from sweettok.storage import read_json

pytestmark = pytest.mark.slow

SMOKE = yaml.safe_load(resolved_yaml(ROOT / "profiles" / "smoke.yaml"))
STAGES = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
ONE = {
    "ablation": {"matrix": {"variants": ["full"], "seeds": [0]}},
    "prior_scaling": {"matrix": {"sizes": ["small"], "seeds": [0]}},
    "machine": {"cells": 1},
}
ARGUMENTS = {"ablation": ["--variant", "full"], "scale_prior": ["--size", "small"]}
TRAINED = ("judge", "proxy", "train_spatial", "train_joint", "finetune_pixels", "generator")
# What is changed, and of which stage's refusal with a reason is as good as numbers.
CASES = {
    "one token a latent frame": ({"tokenizer": {"spatial_tokens": 1, "temporal_tokens": 4}}, ()),
    "one word of each part of speech": ({"codebook": {"max_words": 1}}, ()),
    "one clip": ({"data": {"clips": {"train": 1, "val": 1, "test": 1}}}, ("prepare_data",)),
    "one clip to train on": ({"data": {"clips": {"train": 1}}}, ("train_judge",)),
    "batches larger than the set": ({section: {"optimiser": {"batch_size": 80}} for section in TRAINED}, ()),
    "no steps": (
        {section: {"optimiser": {"steps": 0}} for section in TRAINED}
        | {"ablation": {"schedule": {"spatial_steps": 0, "joint_steps": 0, "pixel_steps": 0}}},
        (),
    ),
    "one step": ({section: {"optimiser": {"steps": 1}} for section in TRAINED}, ()),
    "odd sizes": (
        {"data": {"size": 15, "frames": 10}, "patches": {"spatial": 5, "temporal": 3}}
        | {"tokenizer": {"spatial_tokens": 9, "temporal_tokens": 27}},
        (),
    ),
    "one patch": (
        {"data": {"size": 12, "frames": 3}, "patches": {"spatial": 12, "temporal": 2}}
        | {"tokenizer": {"spatial_tokens": 1, "temporal_tokens": 1}},
        (),
    ),
    "tokens that do not lie on the grid": ({"tokenizer": {"spatial_tokens": 5}}, ("prepare_data",)),
    "frames smaller than the window of SSIM": ({"data": {"size": 8}}, ("prepare_data",)),
    "a size that no patch fits": ({"data": {"size": 17}}, ("prepare_data",)),
    "batches of one": ({section: {"optimiser": {"batch_size": 1}} for section in TRAINED}, ()),
    "one sample": ({"sampling": {"samples": 1}}, ("prepare_data",)),
    "two samples": ({"sampling": {"samples": 2}}, ()),
}


def merged(tree, changes):
    """`tree` with the leaves of `changes`."""
    made = copy.deepcopy(tree)
    for key, value in changes.items():
        made[key] = merged(made[key], value) if isinstance(value, dict) else value
    return made


def run_all(folder, monkeypatch):
    """Every stage in the order of dvc.yaml, in this process: (stage, its one line) of the first refusal, or None."""
    monkeypatch.chdir(folder)
    for name in STAGES:
        monkeypatch.setattr(sys, "argv", [name, *ARGUMENTS.get(name, [])])
        try:
            runpy.run_module(f"stages.{name}", run_name="__main__")
        except SystemExit as ended:
            return name, str(ended.code)
    return None


@pytest.mark.parametrize("case", CASES)
def test_extremes_work_or_are_refused(tmp_path, monkeypatch, record, case):
    """The smoke profile's stages with an extreme in params.yaml."""
    changes, refusing = CASES[case]
    content = merged(merged(SMOKE, ONE), changes)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    refused = run_all(tmp_path, monkeypatch)
    if refused:
        stage, line = refused
        readable = line.startswith(f"error in stage {stage}: ") and "\n" not in line
        record(1, int(not readable or stage not in refusing), **{"refused_by": stage, "said": line})
        assert readable and stage in refusing, refused
    else:
        numbers = read_json(tmp_path / "reports" / "smoke" / "metrics.json")
        broken = [name for name, value in numbers.items() if not math.isfinite(value)]
        record(1, len(broken), metrics=len(numbers))
        assert numbers and not broken and not refusing
