"""Two folders under every protocol: each number is that of the protocol alone, and each choice changes one thing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sweettok.api import protocol_comparison
from sweettok.api.frames import open_frames
from sweettok.api.protocol_clips import open_protocol_clips
from sweettok.api.protocol_comparison import compare_protocols, open_folders
from sweettok.api.protocol_figure import protocol_figure
from sweettok.errors import InputError
from sweettok.metrics.extractors import judge_extractor, random_i3d
from sweettok.metrics.fidelity import psnr
from sweettok.metrics.frechet import FeatureMoments, frechet_distance
from sweettok.metrics.presets import PRESETS
from sweettok.metrics.protocol import adapted
from sweettok.models.judge import Judge

FILES = 4


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    return judge_extractor(Judge({"class": 3}, 2).eval().requires_grad_(False), "video")


@pytest.fixture(scope="module")
def folders(scene, write_video, tmp_path_factory):
    """Videos of 32 frames of 20x28, 30 a second, and noisy copies under the same names."""
    root, generator = tmp_path_factory.mktemp("folders"), np.random.default_rng(0)
    for number in range(FILES):
        frames = scene(32, 20, 28, seed=number)
        noisy = np.clip(frames + generator.normal(0, 20, frames.shape), 0, 255).astype(np.uint8)
        for name, content in (("real", frames), ("made", noisy)):
            write_video(root / name / f"{number}.mkv", content, rate=30)
    return root / "real", root / "made"


@pytest.fixture(scope="module")
def found(folders, judge):
    """With a second extractor, whose features are twice the judge's."""
    twin = replace(judge, name="twin", features=lambda clips: 2 * judge.features(clips))
    return compare_protocols(open_folders(*folders), [judge, twin])


@pytest.fixture
def larp_alone(monkeypatch):
    monkeypatch.setattr(protocol_comparison, "PRESETS", {"larp": PRESETS["larp"]})


def opened(folder):
    return [open_frames(path) for path in sorted(folder.glob("*"))]


def test_every_protocol_has_a_row_with_what_the_files_did_not_allow(found):
    changed = {row["protocol"]: row["changed"] for row in found["protocols"]}
    assert list(changed) == ["own", *PRESETS] and not found["left_out"] and found["paired"]
    assert changed["own"] == {} and changed["larp"] == {"resolution": 20}
    assert changed["stylegan-v"] == {"resolution": 20, "clips": 4} and changed["vidtok"] == {"resolution": 20}
    assert {row["protocol"]: row["record"]["n"] for row in found["protocols"]}["vidtok"] == FILES * 2, "17 of 32 frames"


def test_a_row_is_the_protocol_measured_alone(found, folders, judge):
    (row,) = (row for row in found["protocols"] if row["protocol"] == "larp")
    protocol = adapted(PRESETS["larp"], extractor="judge", resolution=20)
    real, made = (open_protocol_clips(opened(folder), protocol) for folder in folders)
    clips = [side.clips(range(FILES)) for side in (real, made)]
    moments = (FeatureMoments.of(judge.features(side)) for side in clips)
    assert row["record"]["value"] == pytest.approx(frechet_distance(*moments, unbiased=False), rel=1e-5)
    assert row["record"]["protocol"]["protocol"]["name"] == "larp (extractor=judge, resolution=20)"
    assert row["pairs"]["psnr"] == pytest.approx(psnr(*clips).mean().item())
    assert 0 < row["pairs"]["ssim"] < 1


def test_each_choice_changes_one_field_and_those_that_matter_come_first(found):
    base = next(row["record"] for row in found["protocols"] if row["protocol"] == "own")
    sizes = [abs(row["change"]) for row in found["choices"]]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0
    for row in (row for row in found["choices"] if row["choice"] != "extractor"):
        fields = row["record"]["protocol"]["protocol"]
        differing = {key for key in fields if fields[key] != base["protocol"]["protocol"][key]} - {"name"}
        assert differing == {row["choice"]} and fields[row["choice"]] == row["value"] != row["was"]
        assert row["change"] == pytest.approx(row["record"]["value"] - base["value"])
        low, high = row["record"]["interval"]
        assert low <= row["record"]["value"] <= high
    assert {row["choice"] for row in found["choices"]} == {
        "filter", "antialias", "fit", "frames", "fps", "start", "resolution", "clips", "covariance", "pixels",
        "extractor",
    }  # fmt: skip


def test_the_divisor_of_the_covariance_takes_its_share(found):
    """Features have equal means, nearly, in both folders: over n instead of n - 1 the distance is about 3/4."""
    (row,) = (row for row in found["choices"] if row["choice"] == "covariance")
    base = row["record"]["value"] - row["change"]
    assert 3 / 4 <= row["record"]["value"] / base < 1


def test_another_extractor_is_a_choice(found):
    (row,) = (row for row in found["choices"] if row["choice"] == "extractor")
    assert (row["value"], row["was"]) == ("twin", "judge") and row["record"]["protocol"]["extractor"] == "twin"
    assert row["record"]["value"] == pytest.approx(4 * (row["record"]["value"] - row["change"]), rel=1e-4)


def test_another_base(folders, judge, larp_alone):
    found = compare_protocols(open_folders(*folders), [judge], "larp")
    larp = next(row["record"] for row in found["protocols"] if row["protocol"] == "larp")
    assert found["base"] == "larp" and all(
        row["was"] == larp["protocol"]["protocol"][row["choice"]] for row in found["choices"]
    )
    with pytest.raises(InputError, match="'tats' is unknown"):
        compare_protocols(open_folders(*folders), [judge], "tats")


def test_folders_without_common_names_are_sets(folders, judge, larp_alone, scene, write_video, tmp_path):
    for number in range(2):
        write_video(tmp_path / f"sample{number}.mkv", scene(12, 20, 20, seed=number))
    found = compare_protocols(open_folders(folders[0], tmp_path), [judge], frames=9, size=16)
    assert not found["paired"] and all(row["pairs"] == {} for row in found["protocols"])
    assert found["protocols"][0]["record"]["protocol"]["resolution"] == 16
    with pytest.raises(InputError, match="--frames 13: the shortest file has 12"):
        compare_protocols(open_folders(folders[0], tmp_path), [judge], frames=13)


def test_what_an_extractor_cannot_take_is_left_out(folders, judge, larp_alone):
    """Of 20 frames and more alone: the other protocols get a reason each."""
    found = compare_protocols(open_folders(*folders), [replace(judge, min_frames=17)], frames=20)
    assert "larp" not in {row["protocol"] for row in found["protocols"]}
    assert any("needs clips of at least 17 frames" in entry["why"] for entry in found["left_out"])


def test_the_random_i3d_is_named_so_is_always_the_same_and_sees_clips():
    first, again = random_i3d(), random_i3d()
    clips = torch.rand(2, 3, 9, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert first.metric == "frechet_video/i3d-random" and first.identity() == again.identity()
    assert first.sha256 != random_i3d(1).sha256
    features = first.features(clips * torch.tensor([1, 0.3]).view(2, 1, 1, 1, 1))
    assert features.shape == (2, 400) and (features[0] - features[1]).abs().mean() > 0.1


def test_the_picture_has_a_line_for_each_row(found):
    panels = protocol_figure(found, "judge").axes
    labels = [[label.get_text() for label in panel.get_yticklabels()] for panel in panels]
    assert labels[0][0] == "own" and "larp (resolution=20)" in labels[0] and len(labels[0]) == 1 + len(PRESETS)
    assert len(labels[1]) == len(found["choices"]) - 1, "other extractors have other scales"
    assert {"covariance: unbiased -> biased", "clips: all -> 2"} <= set(labels[1])
