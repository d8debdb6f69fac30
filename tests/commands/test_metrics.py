"""metrics: numbers with their protocol, from the options or from params.yaml."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from sweettok.models.judge import Judge
from sweettok.training.checkpoint import save_module

ROOT = Path(__file__).parents[2]


@pytest.fixture
def two(videos, sweettok, work):
    """The videos cut to squares, and their reconstructions."""
    (videos / "c.png").unlink()
    shutil.move(videos / "deep" / "b.mkv", videos / "b.mkv")
    assert sweettok("reconstruct", "videos", "--format", "mkv")[0] == 0
    torch.manual_seed(0)
    save_module(work / "outputs" / "judge", Judge({"class": 2}, 4), {"labels": {"class": ["a", "b"]}, "width": 4}, [])
    return "videos", "reconstructed"


def test_numbers_and_protocols(sweettok, two):
    status, out, _ = sweettok("metrics", *two, "--size", 16)
    assert status == 0
    for name in ("psnr", "ssim", "perceptual/judge", "frechet_video/judge", "frechet_image/judge"):
        at = out.splitlines().index(next(line for line in out.splitlines() if line.startswith(f"{name}: ")))
        assert "(n = 2)" in out.splitlines()[at] and out.splitlines()[at + 1].startswith("    protocol: ")
    assert "resolution 16" in out


def test_json_holds_pairs_and_what_is_left_out(sweettok, two, work):
    shutil.rmtree(work / "outputs" / "judge")
    status, out, _ = sweettok("metrics", *two, "--size", 16, "--frames", 9, "--json")
    answer = json.loads(out)
    assert status == 0 and set(answer["pairs"]) == {"a", "b"} and answer["metrics"]["psnr"]["n"] == 2
    assert {"perceptual/judge", "frechet_video/judge"} <= {entry["metric"] for entry in answer["left_out"]}


def test_networks_by_option_and_by_params(sweettok, two, work, monkeypatch, tmp_path):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path / "cache"))
    _, out, _ = sweettok("metrics", *two, "--size", 16, "--extractor", "i3d", "--perceptual", "alex")
    assert "left out  fvd: weights of I3D: not here" in out and "left out  lpips/alex" in out
    text = (ROOT / "params.yaml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("metrics: "))
    (work / "params.yaml").write_text(
        text.replace(
            line,
            "metrics: {extractors: [inception], perceptual: [], protocols: [own], sizes: [], "
            "weights: {inception: {path: null, sha256: null, download: false}}}",
        )
    )
    _, out, _ = sweettok("metrics", *two, "--size", 16)
    assert "left out  fid: weights of Inception" in out and "fvd" not in out


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["--size", "0"], "--size 0"),
        (["--weights", "i3d=x"], "name some with --extractor"),
        (["--extractor", "i3d", "--weights", "x"], "expected NAME=PATH"),
        (["--extractor", "nonsense"], "extractors"),
        (["--extractor", "i3d", "--protocol", "nonsense"], "protocols"),
        (["--judge", "none"], "none/config.json does not exist"),
        ([], "--size N"),
    ],
)
def test_bad_input(sweettok, two, arguments, named):
    status, _, err = sweettok("metrics", *two, *arguments)
    assert status == 1 and named in err and len(err.strip().splitlines()) == 1


def test_absent_folders(sweettok, work):
    status, _, err = sweettok("metrics", "none.mp4", "none.mp4")
    assert status == 1 and "none.mp4: absent" in err
