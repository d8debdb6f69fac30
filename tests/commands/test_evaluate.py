"""evaluate: a registered tokenizer or a model's folder on files; tokenizers: which are registered."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sweettok.models.judge import Judge
from sweettok.storage import sha256_of
from sweettok.training.checkpoint import save_module

ROOT = Path(__file__).parents[2]


@pytest.fixture
def two_videos(videos):
    """videos/a.mkv and videos/deep/b.mkv, of 9 frames and more."""
    (videos / "c.png").unlink()
    return videos


@pytest.fixture
def with_judge(work):
    torch.manual_seed(0)
    save_module(work / "outputs" / "judge", Judge({"class": 2}, 4), {"labels": {"class": ["a", "b"]}, "width": 4}, [])


def evaluate(sweettok, tokenizer, *arguments):
    return sweettok("evaluate", "--tokenizer", tokenizer, "--clips", "videos", *arguments)


def test_a_model_s_folder_takes_clips_of_its_own_length_and_size(sweettok, two_videos, with_judge, tok):
    status, out, _ = evaluate(sweettok, "outputs/model", "--json")
    found = json.loads(out)
    assert status == 0 and found["tokenizer"]["fingerprint"] == tok.model_id
    assert (found["tokenizer"]["frames"], found["tokenizer"]["size"], found["tokenizer"]["tokens"]) == (9, 16, 20)
    assert found["clips"]["files"] == 2 and not found["left_out"]
    assert set(found["metrics"]) == {
        "psnr", "ssim", "perceptual/judge", "frechet_video/judge", "frechet_image/judge",
    }  # fmt: skip
    assert all(entry["n"] == 2 and entry["split"] == "files given" for entry in found["metrics"].values())
    assert "shorter side resized to 16" in found["metrics"]["frechet_video/judge"]["protocol"]["prepared"]


def test_the_numbers_are_those_of_metrics_on_the_reconstructions(sweettok, two_videos, work):
    """Of a file of exactly one window: encoded, decoded and compared by other commands."""
    shutil.rmtree(two_videos / "deep")
    assert sweettok("reconstruct", "videos", "--format", "mkv")[0] == 0
    expected = json.loads(sweettok("metrics", "videos", "reconstructed", "--json")[1])["metrics"]
    found = json.loads(evaluate(sweettok, "outputs/model", "--json")[1])["metrics"]
    for name in ("psnr", "ssim"):  # the file of reconstructions holds bytes
        assert found[name]["value"] == pytest.approx(expected[name]["value"], rel=5e-3, abs=1e-3)


def test_a_registered_name_by_params_and_the_table(sweettok, two_videos, with_judge, work):
    shutil.copy(ROOT / "params.yaml", work)
    status, out, err = evaluate(sweettok, "mean_colour", "--frames", 9, "--size", 16, "-o", "found.json")
    lines = out.splitlines()
    assert status == 0 and lines[0] == "mean_colour on 2 files, 9x16x16: 1 token, 3 indices, 96 bits per clip"
    assert lines[1].split() == ["metric", "value", "95", "%", "interval", "n"] and "PSNR (dB)" in out
    found = json.loads((work / "found.json").read_text())
    assert found["folder"] == "videos" and found["metrics"]["psnr"]["protocol"] == {"frames": 9, "resolution": 16}
    assert not list(work.glob("*.partial"))


def test_params_of_another_project_go_unused(sweettok, two_videos, work):
    expected = json.loads(evaluate(sweettok, "outputs/model", "--json")[1])
    (work / "params.yaml").write_text("model: {layers: 3}\n")
    status, out, err = evaluate(sweettok, "outputs/model", "--json")
    assert status == 0 and json.loads(out) == expected and "params.yaml" in err
    assert sweettok("tokenizers")[0] == 0


def test_the_table_marks_distances_of_too_few_clips(sweettok, two_videos, with_judge):
    lines = evaluate(sweettok, "outputs/model")[1].splitlines()
    marked = [
        line.split()[0]
        for line in lines
        if line.endswith("not meaningful: 2 clips for 32 features; needs more than 32")
    ]
    assert marked == ["frechet_video/judge", "frechet_image/judge"]


def test_a_factory_beside_params(sweettok, two_videos, work):
    shutil.copy(ROOT / "examples" / "my_tokenizer.py", work / "stands_here.py")
    text = (ROOT / "params.yaml").read_text()
    entry = 'mosaic: {factory: "stands_here:Mosaic", block: 8}'
    (work / "params.yaml").write_text(text.replace("\ntokenizers:\n", f"\ntokenizers:\n  {entry}\n"))
    assert "mosaic: stands_here:Mosaic\n" in sweettok("tokenizers")[1]
    assert json.loads(sweettok("tokenizers", "--json")[1])["mosaic"] == "stands_here:Mosaic"
    status, out, _ = evaluate(sweettok, "mosaic", "--frames", 9, "--size", 16, "--metrics", "psnr", "--json")
    assert status == 0 and list(json.loads(out)["metrics"]) == ["psnr"]


def test_published_networks_by_their_metrics(sweettok, two_videos, monkeypatch, tmp_path):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path / "cache"))
    _, out, _ = evaluate(sweettok, "outputs/model", "--metrics", "psnr", "fvd")
    assert "left out  fvd: weights of I3D: not here" in out and "PSNR" in out and "SSIM" not in out


def test_text_of_moving_words_with_its_figure_and_faces(sweettok, work):
    network = Path(pytest.importorskip("rapidocr_onnxruntime").__file__).parent / "models/ch_ppocr_mobile_v2.0_cls_infer.onnx"
    shutil.copy(ROOT / "params.yaml", work)
    assert sweettok("text-clips", "videos", "--clips", 6, "--frames", 9, "--size", 48)[0] == 0
    for name in ("mean_colour", "copy_first_frame"):
        options = ("--frames", 9, "--size", 48, "--metrics", "psnr", "text", "--parts", f"parts/{name}")
        assert evaluate(sweettok, name, *options, "-o", f"found/{name}.json")[0] == 0
    found = json.loads((work / "found" / "copy_first_frame.json").read_text())
    assert list(found["metrics"]) == ["psnr", "text/accuracy", "text/edit_similarity"]
    assert 1 / 3 <= found["metrics"]["text/accuracy"]["value"] < 1 and found["metrics"]["text/accuracy"]["n"] <= 18
    assert (work / "found" / "text_accuracy.png").stat().st_size > 10_000
    face = f"face={network}@{sha256_of(network)}"
    out = evaluate(sweettok, name, "--frames", 9, "--size", 8, "--metrics", "text", "face", "--weights", face)[1]
    assert "left out  text: there is none on these clips" in out and "\nface/similarity" in out


def test_a_single_file_has_no_distances(sweettok, two_videos, with_judge):
    shutil.rmtree(two_videos / "deep")
    found = json.loads(evaluate(sweettok, "outputs/model", "--json")[1])
    assert "psnr" in found["metrics"] and found["metrics"]["psnr"]["n"] == 1
    assert {entry["metric"] for entry in found["left_out"]} == {"frechet_video/judge", "frechet_image/judge"}


def test_a_published_protocol_reads_and_measures(sweettok, two_videos, with_judge, work, monkeypatch, tmp_path):
    """vidtok: every window of 9 frames; PSNR frame by frame; on a model's own clip, so that the name says so."""
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path / "cache"))
    status, out, _ = evaluate(sweettok, "outputs/model", "--protocol", "vidtok", "--json")
    found, name = json.loads(out), "vidtok (frames=9, resolution=16)"
    assert status == 0 and found["clips"] == found["clips"] | {"files": 2, "clips": 4}
    assert set(found["metrics"]) == {
        f"psnr@{name}", f"ssim@{name}", f"perceptual/judge@{name}", "frechet_video/judge@vidtok (frames=9, resolution=16, extractor=judge)",
    }  # fmt: skip
    facts = found["metrics"][f"psnr@{name}"]["protocol"]["protocol"]
    assert (facts["start"], facts["psnr"], facts["fps"]) == ("every", "frame", 30)
    assert [entry["metric"] for entry in found["left_out"]] == ["fvd"]
    shutil.copy(ROOT / "params.yaml", work)
    status, out, _ = evaluate(sweettok, "mean_colour", "--protocol", "larp", "--frames", 9, "--metrics", "psnr")
    assert status == 0 and "mean_colour on 2 files, 9x128x128" in out and "psnr@larp (frames=9)" in out


def test_parts_are_kept_and_used(sweettok, two_videos, work):
    expected = json.loads(evaluate(sweettok, "outputs/model", "--parts", "parts", "--json")[1])
    assert list((work / "parts").glob("*.safetensors"))
    assert json.loads(evaluate(sweettok, "outputs/model", "--parts", "parts", "--json")[1]) == expected
    status, _, err = evaluate(sweettok, "outputs/model", "--parts", "parts", "--metrics", "psnr")
    assert status == 1 and "differs in: metrics" in err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["outputs/model", "--protocol", "tats"], "protocol 'tats' is unknown; choose one of omnitokenizer"),
        (["outputs/model", "--protocol", "larp", "--protocol", "own"], "--protocol larp own: each reads clips"),
        (["outputs/model", "--protocol", "larp", "--frames", "12"], "--frames 12: the model"),
        (["outputs/model", "--metrics", "nonsense"], "'nonsense'"),
        (["mean_colour"], "'mean_colour': there is no params.yaml here"),
        (["outputs/model", "--metrics", "fvd", "lpips/alex"], "fvd: weights of I3D: not here"),
        (["outputs/model", "--metrics", "fvd", "lpips/alex"], "lpips/alex: "),
        (["outputs/model", "--metrics", "frechet_image/judge"], "frechet_image/judge: no trained judge here"),
        (["none/here"], "none/here"),
        (["outputs/model", "--judge", "none"], "none/config.json"),
        (["outputs/model", "--frames", "0"], "--frames 0: expected a number of at least 1"),
        (["outputs/model", "--size", "-3"], "--size -3: expected a number of at least 1"),
        (["outputs/model", "--frames", "5"], "--frames 5: the model outputs/model takes clips of 9x16x16; leave"),
        (["outputs/model", "--frames", "9", "--size", "99"], "--size 99: the model outputs/model takes"),
        (["outputs/model", "--metrics", "fvd"], "--weights NAME=PATH, or set download: true, as option --download"),
        (["outputs/model", "--weights", "i3d=a"], "evaluate: with --metrics"),
        (["outputs/model", "--metrics", "fvd", "--weights", "x=a"], "measured with: i3d"),
        (["outputs/model", "--metrics", "text", "--protocol", "larp"], "--metrics text is of no published protocol"),
        (["outputs/model", "--metrics", "face"], "--metrics face needs a network"),
        (["outputs/model", "--metrics", "psnr", "--weights", "face=a"], "evaluate: with --metrics"),
    ],
)
def test_bad_input(sweettok, two_videos, arguments, named, monkeypatch, tmp_path):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path / "cache"))
    status, _, err = evaluate(sweettok, *arguments)
    assert status == 1 and named in err and len(err.strip().splitlines()) == 1


def test_a_distance_of_a_single_file_alone(sweettok, two_videos):
    shutil.rmtree(two_videos / "deep")
    status, _, err = evaluate(sweettok, "outputs/model", "--metrics", "fvd")
    assert status == 1 and "fvd: a Frechet distance needs at least 2 files" in err


def test_files_that_are_too_short_and_none_at_all(sweettok, videos, work):
    status, _, err = evaluate(sweettok, "outputs/model")
    assert status == 1 and all(part in err for part in ("c.png", " 1 ", " 9 ", "--skip-shorter"))
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(work / "one.png")
    status, _, err = sweettok("evaluate", "--tokenizer", "outputs/model", "--clips", "outputs/model/codebook")
    assert status == 1 and "outputs/model/codebook holds no image or video" in err and ".mp4" in err
    for clips, state in (("none", "does not exist"), ("one.png", "is a file, not a folder")):
        status, _, err = sweettok("evaluate", "--tokenizer", "outputs/model", "--clips", clips)
        assert status == 1 and f"{clips} {state}" in err


def test_shorter_files_are_left_out_with_a_count(sweettok, videos):
    """The numbers are those of the folder without them."""
    status, out, _ = evaluate(sweettok, "outputs/model", "--skip-shorter", "--json")
    found = json.loads(out)
    assert status == 0 and found["clips"]["files"] == 2 and found["skipped_files"] == ["videos/c.png"]
    _, out, _ = evaluate(sweettok, "outputs/model", "--skip-shorter", "--metrics", "psnr")
    assert "skipped   1 file below 9 frames: videos/c.png\n" in out
    (videos / "c.png").unlink()
    alone = json.loads(evaluate(sweettok, "outputs/model", "--json")[1])["metrics"]
    assert {name: entry["value"] for name, entry in alone.items()} == {
        name: entry["value"] for name, entry in found["metrics"].items()
    }
    assert all(entry["protocol"]["skipped_files"] == 1 for entry in found["metrics"].values())
    for path in videos.rglob("*.*"):
        path.unlink()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(videos / "one.png")
    status, _, err = evaluate(sweettok, "outputs/model", "--skip-shorter")
    assert status == 1 and "videos/one.png" in err and " 9 " in err


def test_a_model_s_own_clip_may_be_said(sweettok, two_videos):
    assert evaluate(sweettok, "outputs/model", "--frames", 9, "--size", 16, "--metrics", "psnr")[0] == 0


def test_a_folder_with_a_proxy(sweettok, two_videos, work):
    """By the name that params give it; without params, what to write there."""
    (work / "outputs" / "proxy").mkdir()
    (work / "outputs" / "proxy" / "config.json").write_text('{"proxy": {}, "patches": {}}')
    status, _, err = evaluate(sweettok, "outputs/proxy")
    assert status == 1 and "outputs/proxy is a proxy" in err and "sweettok.tokenizers.proxy:from_folder" in err
    shutil.copy(ROOT / "params.yaml", work)
    status, _, err = evaluate(sweettok, "outputs/proxy")
    assert status == 1 and "is a proxy, not a model; to evaluate it, give --tokenizer proxy\n" in err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("command", [("evaluate", "--tokenizer", "outputs/model", "--clips"), ("reconstruct",)])
def test_a_device_that_is_not_here(sweettok, two_videos, command):
    status, _, err = sweettok(*command, "videos", "--device", "cuda")
    assert status == 1 and "device 'cuda' cannot be used" in err and len(err.strip().splitlines()) == 1
