"""Folders compared: the same numbers as on whole clips, pairs by name, refusals that name the option which helps."""

import numpy as np
import pytest
import torch

from sweettok.api.folder_metrics import FolderClips, compare, open_comparison, score_pair
from sweettok.api.frames import open_frames, to_square
from sweettok.errors import InputError
from sweettok.metrics.distances import judge_distances
from sweettok.metrics.fidelity import psnr, ssim
from sweettok.metrics.perceptual import perceptual_distance
from sweettok.models.judge import Judge
from sweettok.params import Metrics
from sweettok.video.store import to_float

NONE = Metrics(extractors=[], perceptual=[], protocols=["own"], weights={}, sizes=[])


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    judge = Judge({"class": 3}, 4).eval().requires_grad_(False)
    judge.fingerprint = "f" * 64
    return judge


@pytest.fixture(scope="module")
def shots(scene):
    """Six real videos of 9 frames and noisy ones of the same: uint8 (9, 16, 16, 3) each."""
    rng = np.random.default_rng(0)
    real = {f"class{n % 2}/clip{n}": scene(9, 16, 16, seed=n) for n in range(6)}
    noisy = {name: np.clip(f + rng.normal(0, 9, f.shape), 0, 255).astype(np.uint8) for name, f in real.items()}
    return real, noisy


@pytest.fixture(scope="module")
def folders(shots, write_video, tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    for name, files in zip(("real", "made"), shots, strict=True):
        for path, frames in files.items():
            write_video(root / name / f"{path}{'.mkv' if name == 'real' else '.avi'}", frames)
    return root / "real", root / "made"


def test_scores_are_those_of_whole_clips(folders, shots, judge):
    found = compare(open_comparison(*folders, True, None, None), judge, NONE)
    name = "class1/clip3"
    a, b = (to_float(shot[name][None]) for shot in shots)
    expected = {"psnr": psnr(a, b), "ssim": ssim(a, b), "perceptual/judge": perceptual_distance(judge, a, b)}
    assert found["pairs"][name] == pytest.approx({key: value.item() for key, value in expected.items()}, rel=1e-5)
    values = [scores["psnr"] for scores in found["pairs"].values()]
    entry = found["metrics"]["psnr"]
    assert entry["value"] == pytest.approx(np.mean(values)) and entry["n"] == 6
    assert entry["interval"][0] <= entry["value"] <= entry["interval"][1]


def test_reading_in_pieces_changes_nothing(scene, write_video, tmp_path, monkeypatch):
    a, b = scene(11, 16, 16), scene(11, 16, 16, seed=1)
    files = open_frames(write_video(tmp_path / "a.mkv", a)), open_frames(write_video(tmp_path / "b.mkv", b))
    from sweettok.api import folder_metrics

    scorers = {"ssim": ssim}
    whole = score_pair(*files, scorers)
    monkeypatch.setattr(folder_metrics, "FRAMES_AT_ONCE", 4)
    assert score_pair(*files, scorers) == pytest.approx(whole)
    assert whole["psnr"] == pytest.approx(psnr(to_float(a[None]), to_float(b[None])).item(), rel=1e-12)


def test_equal_frames_have_no_error(scene, write_video, tmp_path, monkeypatch):
    """Of eight frames four are equal, in a piece of their own: they halve the squared error, no more and no less."""
    from sweettok.api import folder_metrics

    monkeypatch.setattr(folder_metrics, "FRAMES_AT_ONCE", 4)
    a = np.full((8, 16, 16, 3), 100, np.uint8)
    b = a.copy()
    b[4:] += 1  # one step of 255, in half the frames: 10 log10(255^2 / 0.5)
    files = open_frames(write_video(tmp_path / "a.mkv", a)), open_frames(write_video(tmp_path / "b.mkv", b))
    assert score_pair(*files, {})["psnr"] == pytest.approx(10 * np.log10(255**2 / 0.5), rel=1e-5)
    assert score_pair(files[0], files[0], {}) == {"psnr": 100}


def test_a_mean_psnr_is_the_mean_of_the_clips_psnr(scene, write_video, tmp_path):
    """Errors of 1 and 16 steps: 48.13 and 24.05 dB, on average 36.09 and not the 27.04 of the mean error."""
    for name, offset in (("x", 1), ("y", 16)):
        frames = np.full((3, 16, 16, 3), 100, np.uint8)
        write_video(tmp_path / "real" / f"{name}.mkv", frames)
        write_video(tmp_path / "made" / f"{name}.mkv", frames + np.uint8(offset))
    found = compare(open_comparison(tmp_path / "real", tmp_path / "made", True, None, None), None, NONE)
    each = [20 * np.log10(255 / offset) for offset in (1, 16)]
    assert [scores["psnr"] for scores in found["pairs"].values()] == pytest.approx(each, rel=1e-5)
    assert found["metrics"]["psnr"]["value"] == pytest.approx(np.mean(each), rel=1e-5)


def test_a_folder_against_itself(folders, judge):
    found = compare(open_comparison(folders[0], folders[0], True, None, None), judge, NONE)["metrics"]
    assert found["psnr"]["value"] == pytest.approx(100) and found["ssim"]["value"] == pytest.approx(1)
    assert found["perceptual/judge"]["value"] == 0
    assert found["frechet_video/judge"]["value"] == pytest.approx(0, abs=1e-5)


def test_distances_are_those_of_the_clips_and_say_their_protocol(folders, shots, judge):
    found = compare(open_comparison(*folders, True, None, None), judge, NONE)["metrics"]
    comparison = open_comparison(*folders, True, None, None)
    real, _ = comparison.sets()
    (distance,) = judge_distances(judge, real, ("video",))
    clips = to_float(np.stack([shots[1][name] for name in comparison.names]))
    expected = distance.record(judge.video_features(clips).numpy(), 0, True)
    entry = found["frechet_video/judge"]
    assert entry["value"] == pytest.approx(expected["value"], rel=1e-4) and entry["value"] > 0
    assert entry["protocol"]["resolution"] == 16 and entry["protocol"]["frames"] == 9
    assert entry["protocol"]["weights_sha256"] == "f" * 64 and entry["split"] == "made vs real"


def test_a_protocol_claims_nothing_of_a_store(scene, write_video, tmp_path, judge):
    """Files of several lengths and sizes are cut and resized, belong to no split, and the record says so."""
    for number, (frames, side) in enumerate([(9, 16), (12, 32), (11, 24)]):
        write_video(tmp_path / f"{number}.mkv", scene(frames, side, side, seed=number))
    found = compare(open_comparison(tmp_path, tmp_path, True, None, 16), judge, NONE)["metrics"]
    facts = found["frechet_video/judge"]["protocol"]
    assert facts["prepared"] == "first 9 frames of each file, shorter side resized to 16, centre crop"
    assert facts["input"] == "9 of 9 prepared frames" and facts["protocol"]["split"] == "none: the files given"
    assert found["frechet_image/judge"]["protocol"]["input"] == "first frame"
    assert "stored" not in str(facts) and "nothing" not in str(facts) and "whole clip" not in str(facts)


def test_unpaired_sets_have_distances_only(folders, judge, scene, write_video, tmp_path):
    for number in range(3):
        write_video(tmp_path / f"sample{number}.mkv", scene(12, 16, 16, seed=30 + number))
    found = compare(open_comparison(folders[0], tmp_path, False, None, None), judge, NONE)
    assert set(found["metrics"]) == {"frechet_video/judge", "frechet_image/judge"} and found["pairs"] == {}
    assert found["metrics"]["frechet_video/judge"]["n"] == 3
    assert found["metrics"]["frechet_video/judge"]["protocol"]["frames"] == 9  # the shortest


def test_two_files_without_a_judge(folders):
    files = (folders[0] / "class0/clip0.mkv", folders[1] / "class0/clip0.avi")
    found = compare(open_comparison(*files, True, None, None), None, NONE)
    assert set(found["metrics"]) == {"psnr", "ssim"} and found["metrics"]["psnr"]["interval"] is None
    assert {entry["metric"] for entry in found["left_out"]} == {
        "perceptual/judge",
        "frechet_video/judge",
        "frechet_image/judge",
    }


def test_published_networks_without_weights_are_left_out_with_the_reason(folders, judge):
    nowhere = {"path": None, "sha256": None, "download": False}
    settings = Metrics(
        extractors=["i3d"], perceptual=["alex"], protocols=["own"], weights={"i3d": nowhere, "alex": nowhere}, sizes=[]
    )
    found = compare(open_comparison(*folders, True, None, None), judge, settings)
    reasons = {entry["metric"]: entry["why"] for entry in found["left_out"]}
    assert "not here" in reasons["fvd"] and "at least 32 pixels" in reasons["lpips/alex"]


def test_sizes_and_lengths_that_differ(scene, write_video, tmp_path, judge):
    write_video(tmp_path / "a" / "x.mkv", scene(9, 32, 48))
    write_video(tmp_path / "b" / "x.mkv", scene(12, 16, 16))
    with pytest.raises(InputError, match="9 frames, .*12; compare the first N with --frames N"):
        compare(open_comparison(tmp_path / "a", tmp_path / "b", True, None, None), judge, NONE)
    with pytest.raises(InputError, match="48x32, .*16x16; bring both to N x N with --size N"):
        compare(open_comparison(tmp_path / "a", tmp_path / "b", True, 9, None), judge, NONE)
    with pytest.raises(InputError, match="has 9 frames, 10 were asked for"):
        compare(open_comparison(tmp_path / "a", tmp_path / "b", True, 10, 16), judge, NONE)
    found = compare(open_comparison(tmp_path / "a", tmp_path / "b", True, 9, 16), judge, NONE)
    square = np.stack([to_square("crop", 16)(frame) for frame in scene(9, 32, 48)])
    expected = psnr(to_float(square[None]), to_float(scene(12, 16, 16)[None, :9])).item()
    assert found["pairs"]["x"]["psnr"] == pytest.approx(expected)


def test_files_without_partner_or_with_one_name(scene, write_video, tmp_path):
    write_video(tmp_path / "a" / "x.mkv", scene(2))
    write_video(tmp_path / "a" / "y.mkv", scene(2))
    write_video(tmp_path / "b" / "x.mkv", scene(2))
    with pytest.raises(InputError, match="1 files have no partner of the same name, first y in .*a; .*--unpaired"):
        open_comparison(tmp_path / "a", tmp_path / "b", True, None, None)
    write_video(tmp_path / "b" / "x.avi", scene(2))
    with pytest.raises(InputError, match="have one name"):
        open_comparison(tmp_path / "a", tmp_path / "b", False, None, None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no image or video"):
        open_comparison(tmp_path / "a", tmp_path / "empty", True, None, None)
    with pytest.raises(InputError, match="two files or two folders"):
        open_comparison(tmp_path / "a", tmp_path / "b" / "x.avi", True, None, None)


def test_the_fingerprint_follows_content_and_treatment(folders):
    files = open_comparison(*folders, True, None, None).real
    fingerprints = {
        FolderClips(files, 9, 16).fingerprint,
        FolderClips(files, 8, 16).fingerprint,
        FolderClips(files, 9, 8).fingerprint,
        FolderClips(files[1:], 9, 16).fingerprint,
    }
    assert len(fingerprints) == 4 and FolderClips(files, 9, 16).fingerprint in fingerprints
