"""Folders compared: the same numbers as on whole clips, pairs by name, refusals that name the option which helps."""

import numpy as np
import pytest
import torch
from PIL import Image

from sweettok.api.comparison import open_comparison
from sweettok.api.folder_metrics import compare, score_pair
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
    for name, files in zip(("real", "generated"), shots, strict=True):
        for path, frames in files.items():
            write_video(root / name / f"{path}{'.mkv' if name == 'real' else '.avi'}", frames)
    return root / "real", root / "generated"


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
        write_video(tmp_path / "generated" / f"{name}.mkv", frames + np.uint8(offset))
    found = compare(open_comparison(tmp_path / "real", tmp_path / "generated", True, None, None), None, NONE)
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
    assert entry["protocol"]["weights_sha256"] == "f" * 64 and entry["split"] == "generated vs real"


def test_a_protocol_claims_nothing_of_a_store(scene, write_video, tmp_path, judge):
    """Files of several lengths and sizes are cut and resized, belong to no split, and the record says so."""
    for number, (frames, side) in enumerate([(9, 16), (12, 32), (11, 24)]):
        write_video(tmp_path / f"{number}.mkv", scene(frames, side, side, seed=number))
    found = compare(open_comparison(tmp_path, tmp_path, True, 9, 16), judge, NONE)["metrics"]
    facts = found["frechet_video/judge"]["protocol"]
    assert facts["prepared"] == "first 9 frames of each file, shorter side resized to 16, centre crop"
    assert facts["input"] == "9 of 9 prepared frames" and facts["protocol"]["split"] == "none: the files given"
    assert found["frechet_image/judge"]["protocol"]["input"] == "first frame"
    assert "stored" not in str(facts) and "nothing drawn" not in str(facts) and "whole clip" not in str(facts)


def test_unpaired_sets_have_distances_only(folders, judge, scene, write_video, tmp_path):
    for number in range(3):
        write_video(tmp_path / f"sample{number}.mkv", scene(12, 16, 16, seed=30 + number))
    found = compare(open_comparison(folders[0], tmp_path, False, 9, None), judge, NONE)
    assert set(found["metrics"]) == {"frechet_video/judge", "frechet_image/judge"} and found["pairs"] == {}
    entry = found["metrics"]["frechet_video/judge"]
    assert entry["n"] == 3 and entry["protocol"]["frames"] == 9
    assert entry["protocol"]["says_nothing"] == "3 clips for 32 features; needs more than 32"


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
    assert "I3D" in reasons["fvd"] and " 32 pixels" in reasons["lpips/alex"]


def test_sizes_and_lengths_that_differ(scene, write_video, tmp_path, judge):
    write_video(tmp_path / "a" / "x.mkv", scene(9, 32, 48))
    write_video(tmp_path / "b" / "x.mkv", scene(12, 16, 16))
    with pytest.raises(InputError, match=r"x\.mkv .*9 .*x\.mkv .*12; .*--frames"):
        compare(open_comparison(tmp_path / "a", tmp_path / "b", True, None, None), judge, NONE)
    with pytest.raises(InputError, match="48x32, .*16x16; .*--size"):
        compare(open_comparison(tmp_path / "a", tmp_path / "b", True, 9, None), judge, NONE)
    with pytest.raises(InputError, match=r"x\.mkv .*9 .*10 .*--frames"):
        compare(open_comparison(tmp_path / "a", tmp_path / "b", True, 10, 16, "crop"), judge, NONE)
    found = compare(open_comparison(tmp_path / "a", tmp_path / "b", True, 9, 16, "crop"), judge, NONE)
    square = np.stack([to_square("crop", 16)(frame) for frame in scene(9, 32, 48)])
    expected = psnr(to_float(square[None]), to_float(scene(12, 16, 16)[None, :9])).item()
    assert found["pairs"]["x"]["psnr"] == pytest.approx(expected)


@pytest.mark.parametrize("paired", [True, False])
def test_a_stretched_reconstruction_is_perfect_only_when_both_are_stretched(
    scene, write_video, tmp_path, judge, paired
):
    for number in range(3):
        frames = scene(9, 24, 40, seed=number)
        write_video(tmp_path / "real" / f"{number}.mkv", frames)
        write_video(
            tmp_path / "generated" / f"{number}.mkv", np.stack([to_square("stretch", 16)(frame) for frame in frames])
        )
    folders = tmp_path / "real", tmp_path / "generated"
    with pytest.raises(InputError, match=r"0\.mkv .*40x24.*0\.mkv .*16x16.* --fit .*crop .*stretch"):
        open_comparison(*folders, paired, None, 16)
    by_fit = {
        fit: compare(open_comparison(*folders, paired, None, 16, fit), judge, NONE) for fit in ("crop", "stretch")
    }
    stretched, cropped = (by_fit[fit]["metrics"] for fit in ("stretch", "crop"))
    assert stretched["frechet_video/judge"]["value"] < 1e-5 < cropped["frechet_video/judge"]["value"]
    assert stretched["frechet_video/judge"]["protocol"]["prepared"].endswith("stretched to 16")
    if paired:
        assert stretched["psnr"]["value"] == 100 and cropped["psnr"]["value"] < 30
        assert stretched["psnr"]["protocol"] == {"frames": "all", "resolution": 16, "fit": "stretch"}


@pytest.fixture
def with_a_short_one(folders, shots, write_video, tmp_path):
    """The six clips of 9 frames and a seventh of 3, real and generated."""
    for source, name, ending in zip(shots, ("real", "generated"), (".mkv", ".avi"), strict=True):
        for number, frames in enumerate([*source.values(), source["class0/clip0"][:3]]):
            write_video(tmp_path / name / f"{number}{ending}", frames)
    return tmp_path / "real", tmp_path / "generated"


def test_a_short_clip_does_not_cut_the_others(with_a_short_one, folders, judge):
    expected = compare(open_comparison(*folders, True, None, None), judge, NONE)["metrics"]
    found = compare(open_comparison(*with_a_short_one, True, None, None), judge, NONE)
    assert found["metrics"]["psnr"]["n"] == 7 and "frechet_video/judge" not in found["metrics"]
    assert (
        "6.mkv has 3 frames, " in {entry["metric"]: entry["why"] for entry in found["left_out"]}["frechet_video/judge"]
    )
    with pytest.raises(InputError, match=r"6\.mkv .*3 .* 9; .*--frames"):
        compare(open_comparison(*with_a_short_one, False, None, None), judge, NONE)
    with pytest.raises(InputError, match=r"6\.mkv .*3 .* 9 .*--skip-shorter"):
        compare(open_comparison(*with_a_short_one, False, 9, None), judge, NONE)
    for paired in (True, False):
        found = compare(open_comparison(*with_a_short_one, paired, 9, None, skip_shorter=True), judge, NONE)
        entry = found["metrics"]["frechet_video/judge"]
        assert entry["value"] == pytest.approx(expected["frechet_video/judge"]["value"], rel=1e-4) and entry["n"] == 6
        assert all(one["protocol"]["skipped_files"] == 2 for one in found["metrics"].values())
        assert all(("skipped_pairs" in one["protocol"]) == paired for one in found["metrics"].values())
        assert found["skipped_files"] == [str(with_a_short_one[0] / "6.mkv"), str(with_a_short_one[1] / "6.avi")]


def test_what_stills_lack_is_listed(scene, tmp_path, judge):
    for number in range(2):
        Image.fromarray(scene(1, 16, 16, seed=number)[0]).save(tmp_path / f"{number}.png")
    found = compare(open_comparison(tmp_path, tmp_path, True, None, None), judge, NONE)
    assert "frechet_image/judge" in found["metrics"]
    assert [(entry["metric"], entry["why"]) for entry in found["left_out"]] == [
        ("frechet_video/judge", "a single frame has no motion to compare")
    ]
