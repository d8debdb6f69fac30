"""metrics: numbers with their protocol, from the options or from params.yaml."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from sweettok.models.judge import Judge
from sweettok.training.checkpoint import save_module

ROOT = Path(__file__).parents[2]
PREPARED = ("--size", 16, "--fit", "crop", "--frames", 9)  # of 16 x 16 and 24 x 32 pixels, 9 and 20 frames


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
    status, out, _ = sweettok("metrics", *two, *PREPARED)
    assert status == 0
    for name in ("psnr", "ssim", "perceptual/judge", "frechet_video/judge", "frechet_image/judge"):
        at = out.splitlines().index(next(line for line in out.splitlines() if line.startswith(f"{name}: ")))
        assert "(n = 2)" in out.splitlines()[at] and out.splitlines()[at + 1].startswith("    protocol: ")
    assert "resolution 16, fit crop" in out
    lines = [line for line in out.splitlines() if line.startswith("frechet_")]
    assert len(lines) == 2 and all(
        line.endswith("(n = 2)  not meaningful: 2 clips for 32 features; needs more than 32") for line in lines
    )


def test_json_holds_pairs_and_what_is_left_out(sweettok, two, work):
    shutil.rmtree(work / "outputs" / "judge")
    status, out, _ = sweettok("metrics", *two, *PREPARED, "--json")
    answer = json.loads(out)
    assert status == 0 and set(answer["pairs"]) == {"a", "b"} and answer["metrics"]["psnr"]["n"] == 2
    assert {"perceptual/judge", "frechet_video/judge"} <= {entry["metric"] for entry in answer["left_out"]}


def test_networks_by_option_and_by_params(sweettok, two, work, monkeypatch, tmp_path):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path / "cache"))
    _, out, _ = sweettok("metrics", *two, *PREPARED, "--extractor", "i3d", "--perceptual", "alex")
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
    _, out, _ = sweettok("metrics", *two, *PREPARED)
    assert "left out  fid: weights of Inception" in out and "fvd" not in out


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["--size", "0"], "--size 0"),
        (["--weights", "i3d=x"], "--extractor"),
        (["--extractor", "i3d", "--weights", "x"], "NAME=PATH"),
        (["--extractor", "nonsense"], "--extractor nonsense: expected 'i3d'"),
        (["--extractor", "i3d", "--protocol", "nonsense"], "--protocol nonsense: expected 'own'"),
        (["--size", "16"], "give the --fit"),
        (["--judge", "none"], "none/config.json"),
        ([], "--size N"),
    ],
)
def test_bad_input(sweettok, two, arguments, named):
    status, _, err = sweettok("metrics", *two, *arguments)
    assert status == 1 and named in err and len(err.strip().splitlines()) == 1


def test_absent_folders(sweettok, work):
    status, _, err = sweettok("metrics", "none.mp4", "none.mp4")
    assert status == 1 and "none.mp4" in err


def test_both_sides_are_fitted_as_the_option_says(sweettok, two):
    """Of a square video the fit changes nothing, of another it does."""
    assert sweettok("reconstruct", "videos", "-o", "stretched", "--fit", "stretch", "--format", "mkv")[0] == 0
    found = {
        fit: json.loads(sweettok("metrics", "videos", "stretched", "--size", 16, "--fit", fit, "--json")[1])["pairs"]
        for fit in ("crop", "stretch")
    }
    assert found["stretch"]["b"] != found["crop"]["b"] and found["stretch"]["a"] == found["crop"]["a"]


def test_shorter_files_are_left_out_with_a_count(sweettok, two):
    status, out, _ = sweettok("metrics", *two, "--size", 16, "--fit", "crop", "--frames", 10, "--skip-shorter")
    assert status == 0 and "psnr: " in out and "(n = 1)" in out
    assert "skipped   2 files below 10 frames, so 1 pair: videos/a.mkv, ...\n" in out


@pytest.mark.parametrize("text", ["model: {layers: 3}\nlr: 0.1\n", "metrics: [accuracy]\n", "- a\n", "{"])
def test_params_of_another_project_go_unused(sweettok, two, work, text):
    expected = json.loads(sweettok("metrics", *two, *PREPARED, "--json")[1])
    (work / "params.yaml").write_text(text)
    status, out, err = sweettok("metrics", *two, *PREPARED, "--json")
    assert status == 0 and json.loads(out) == expected
    assert sum("params.yaml" in line for line in err.splitlines()) == 1
