"""The evaluating stages and the report with a published network beside the judge, and one whose weights are absent."""

import json
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from real_samples import SQUEEZENET as WEIGHTS
from real_samples import why_skipped

from sweettok.params import parse_params, resolved_yaml
from sweettok.reporting import write_report

ROOT = Path(__file__).parents[2]
SQUEEZENET = "frechet_image/squeezenet1_0"
STAGES = (
    "prepare_data", "build_codebook", "train_judge", "train_proxy", "train_spatial", "train_joint", "finetune_pixels",
    "evaluate_reconstruction", "train_generator", "evaluate_generation",
)  # fmt: skip
pytestmark = pytest.mark.skipif(not WEIGHTS.is_file(), reason=why_skipped(WEIGHTS))


class Untracked:
    """A run that keeps nothing."""

    def __getattr__(self, name):
        return lambda *arguments, **options: None


def tiny_params():
    """The smoke profile, smaller but for its frames' 32 pixels, with SqueezeNet, I3D and LPIPS asked for."""
    content = yaml.safe_load(resolved_yaml(ROOT / "profiles" / "smoke.yaml"))
    content["data"] |= {"clips": {"train": 64, "val": 4, "test": 10}, "frames": 9, "size": 32}
    content["tokenizer"] |= {
        "temporal_queries": "per_frame",
        "temporal_tokens": 8,
    }  # 2 x 2 in each of 2 later latent frames
    content["codebook"]["provider"] = "hashed"
    for section in content.values():
        if isinstance(section, dict) and "optimiser" in section:
            section["optimiser"] |= {"steps": 2, "warmup": 1}
    content["sampling"]["samples"] = 8
    absent = {"path": "no/such/file", "sha256": None, "download": False}
    content["metrics"] = {
        "extractors": ["squeezenet1_0", "i3d"],
        "perceptual": ["squeezenet1_0", "alex"],
        "protocols": ["own", "larp"],
        "weights": {"squeezenet1_0": absent | {"path": str(WEIGHTS)}, "i3d": absent, "alex": absent},
        "sizes": [4, 6, 8],
    }
    return parse_params(content, "tiny")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(folder, params) after all stages up to the evaluations."""
    folder, params = tmp_path_factory.mktemp("run"), tiny_params()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SWEETTOK_CACHE", str(folder / "cache"))
        for stage in STAGES:
            module = import_module(f"stages.{stage}")
            for more in [(name,) for name in params.tokenizers] if stage == "evaluate_reconstruction" else [()]:
                module.body(params, Untracked(), *more)
        write_report("outputs", "reports", "tiny")
    return folder, params


def summary(folder, stage):
    return json.loads((folder / "outputs" / stage / "summary.json").read_text())


def test_records_of_the_reconstructions(run):
    methods = {name: summary(run[0], f"reconstruction/{name}") for name in run[1].tokenizers}
    for name, method in methods.items():
        metrics = method["metrics"]
        assert (metrics[SQUEEZENET]["value"] > 1) == (name != "copy_first_frame"), "whose first frames are the clips'"
        assert 0 < metrics["perceptual/squeezenet1_0"]["value"] < 4 * 4, name
        assert metrics[SQUEEZENET]["protocol"]["protocol"]["name"] == "own" and metrics[SQUEEZENET]["n"] == 10
        assert not any("fvd" in key or "lpips" in key for key in metrics), "weights that are absent give no number"
    assert f"{SQUEEZENET}:limit" in methods["sweettok"]["metrics"]
    assert {entry["metric"] for entry in methods["proxy"]["left_out"]} == {"fvd", "lpips/alex"}
    assert all("no/such/file does not exist" in entry["why"] for entry in methods["proxy"]["left_out"])


def test_records_of_the_samples(run):
    content = summary(run[0], "generation")
    assert {SQUEEZENET, f"{SQUEEZENET}:reconstruction", f"{SQUEEZENET}:train_vs_test"} <= set(content["metrics"])
    assert [entry["metric"] for entry in content["left_out"]] == ["fvd"]


def test_the_real_clips_are_seen_once(run):
    entries = list((run[0] / "outputs" / ".reference").iterdir())
    assert len(entries) == 1 and (entries[0] / "features.safetensors").is_file()


def test_the_report_shows_them(run):
    tables = {path.stem: path.read_text() for path in (run[0] / "reports" / "tables").glob("*.md")}
    for name, column in (("T1", "perceptual/squeezenet1_0"), ("T2", SQUEEZENET), ("T3", SQUEEZENET)):
        assert f"ours: {column}" in tables[name].splitlines()[2]
    assert "Left out: fvd: weights of I3D: no/such/file does not exist" in tables["T1"]
    assert "Left out: lpips/alex: " in tables["T1"] and "Left out: fvd: " in tables["T2"]
    assert "ours: n = 4" in tables["small_sample"] and f"samples, {SQUEEZENET}" in tables["small_sample"]
    assert (run[0] / "reports" / "figures" / "small_sample.png").is_file()
    assert "protocol own" in tables["T3"]
