"""The judge: shapes of features, images as clips of one frame, labels, sensitivity to motion."""

import pytest
import torch

from sweettok.models.judge import Judge


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    return Judge({"class": 5, "factor:shape": 3}, 4).eval()


@pytest.mark.parametrize("frames", [1, 3, 9])
def test_maps_and_features(judge, clips, frames):
    clip = clips(2)[:, :, :frames]
    maps = judge.maps(clip)
    assert [tuple(m.shape) for m in maps] == [(2, 4, frames, 8, 8), (2, 8, frames, 4, 4), (2, 16, frames, 2, 2)]
    assert judge.video_features(clip).shape == judge.image_features(clip).shape == (2, 16)


def test_every_label_is_predicted_from_frames_and_from_the_clip(judge, clips):
    predicted = judge.predict(clips(2))
    assert {name: [tuple(x.shape) for x in logits] for name, logits in predicted.items()} == {
        "class": [(2, 5), (2, 5)],
        "factor:shape": [(2, 3), (2, 3)],
    }
    with torch.no_grad():
        assert torch.equal(predicted["class"][1], judge.classify(judge.video_features(clips(2))))


def test_frames_are_mapped_one_by_one_but_motion_needs_their_order(judge, clips):
    clip = clips(2)
    with torch.no_grad():
        for whole, single in zip(judge.maps(clip), judge.maps(clip[:, :, 3:4]), strict=True):
            assert torch.allclose(whole[:, :, 3:4], single, atol=1e-5)
        assert torch.allclose(judge.image_features(clip), judge.image_features(clip.flip(2)), atol=1e-5)
        assert not torch.allclose(judge.video_features(clip), judge.video_features(clip.flip(2)), atol=1e-4)


def test_gradients_reach_every_weight(clips):
    judge = Judge({"class": 5, "factor:shape": 3}, 4)
    sum(logits.square().mean() for pair in judge.predict(clips(2)).values() for logits in pair).backward()
    assert [name for name, p in judge.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_name_and_no_fingerprint_before_it_is_trained(judge):
    assert judge.name == "judge" and judge.fingerprint == ""
