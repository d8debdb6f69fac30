"""protocols: two tables, JSON and a picture; errors in one line."""

import json

import numpy as np
import pytest
import torch

from sweettok.models.judge import Judge
from sweettok.training.checkpoint import save_module


@pytest.fixture
def two(work, scene, write_video):
    """real/ and made/ with two videos of 12 frames each, and a judge."""
    for number in range(2):
        frames = scene(12, 16, 20, seed=number)
        write_video(work / "real" / f"{number}.mkv", frames)
        write_video(work / "made" / f"{number}.mkv", np.roll(frames, 3, axis=2))
    torch.manual_seed(0)
    save_module(work / "outputs" / "judge", Judge({"class": 2}, 2), {"labels": {"class": ["a", "b"]}, "width": 2}, [])
    return "real", "made"


def test_tables_json_and_picture(sweettok, two, work):
    status, out, _ = sweettok("protocols", *two, "--figure", "choices.png")
    lines = out.splitlines()
    assert status == 0 and lines[0].split()[:2] == ["protocol", "frechet_video/judge"]
    assert lines[1].startswith("own ") and any(line.startswith("larp ") and "frames=12" in line for line in lines)
    (heading,) = (line for line in lines if line.startswith("own, one choice changed"))
    assert all(word in heading for word in ("change", "95 % interval", "the interval"))
    assert any(
        line.startswith("covariance: unbiased -> biased") and line.endswith(("within", "beyond")) for line in lines
    )
    assert lines[-1] == "not meaningful: 2 clips for 16 features; needs more than 16"
    assert (work / "choices.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(sweettok("protocols", *two, "--json", "--base", "larp", "--seed", 1)[1])
    assert found["base"] == "larp" and found["real"] == "real" and found["choices"] and found["paired"]
    assert all(row["record"]["seed"] == 1 for row in found["protocols"])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["real", "none"], "none is not a folder"),
        (["real", "made", "--base", "tats"], "protocol 'tats' is unknown; choose one of omnitokenizer"),
        (["real", "made", "--frames", "13"], "--frames 13: the shortest file has 12"),
        (["real", "made", "--size", "0"], "--size 0"),
        (["real", "made", "--judge", "none"], "none/config.json"),
        (["real", "made", "--figure", "a.txt"], "--figure a.txt: expected a name that ends in .png"),
        (["real", "made", "--extractor", "i3d"], "weights of I3D: not here"),
        (["real", "made", "--extractor", "i3d", "--weights", "i3d=none.pt"], "none.pt does not exist"),
        (["real", "made", "--weights", "x"], "--weights x: expected NAME=PATH"),
    ],
)
def test_bad_input(sweettok, two, arguments, named, monkeypatch, tmp_path):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path / "cache"))
    status, _, err = sweettok("protocols", *arguments)
    assert status == 1 and named in err and len(err.strip().splitlines()) == 1
