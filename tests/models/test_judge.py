"""The judge: shapes of features, images as clips of one frame, labels, small objects, sensitivity to motion."""

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
    assert [tuple(m.shape) for m in maps] == [(2, 4, frames, 8, 8), (2, 8, (frames + 1) // 2, 4, 4)]
    assert judge.video_features(clip).shape == judge.image_features(clip[:, :, :1]).shape == (2, 32)


def test_every_label_is_predicted_from_frames_and_from_the_clip(judge, clips):
    predicted = judge.predict(clips(2))
    assert {name: [tuple(x.shape) for x in logits] for name, logits in predicted.items()} == {
        "class": [(2, 5), (2, 5)],
        "factor:shape": [(2, 3), (2, 3)],
    }
    features = judge.video_features(clips(2)).detach().numpy()
    for label, (_, logits) in predicted.items():
        assert judge.classify(features, label).tolist() == logits.argmax(-1).tolist()


@pytest.mark.parametrize("frame", [0, 3, 8])
def test_image_predictions_are_of_the_frame_that_is_asked_for(judge, clips, frame):
    with torch.no_grad():
        image, video = judge.predict(clips(2), frame)["class"]
        features = judge.image_features(clips(2)[:, :, frame, None])
        assert torch.allclose(image, judge.image_heads["class"](features), atol=1e-5)
        assert torch.equal(video, judge.predict(clips(2))["class"][1])


def test_frames_are_mapped_one_by_one_but_motion_needs_their_order(judge, clips):
    clip = clips(2)
    with torch.no_grad():
        assert torch.allclose(judge.maps(clip)[0][:, :, 3:4], judge.maps(clip[:, :, 3:4])[0], atol=1e-5)
        images = judge.image(judge.stem(clip))
        assert torch.allclose(images[:, :, 3:4], judge.image(judge.stem(clip[:, :, 3:4])), atol=1e-5)
        assert not torch.allclose(judge.maps(clip)[1].flip(2), judge.maps(clip.flip(2))[1], atol=1e-3)
        assert not torch.allclose(judge.video_features(clip), judge.video_features(clip.flip(2)), atol=1e-4)


def test_features_are_mean_and_maximum_over_all_positions(judge, clips):
    with torch.no_grad():
        maps = judge.video(judge.stem(clips(2))).flatten(2)
        found = judge.video_features(clips(2))
    assert torch.allclose(found[:, :16], maps.mean(-1), atol=1e-6)
    assert torch.allclose(found[:, 16:], maps.max(-1).values, atol=1e-6)


def test_features_do_not_depend_on_the_batch(judge, clips):
    clip = clips(4)
    with torch.no_grad():
        alone = torch.cat([judge.video_features(one) for one in clip.split(1)])
        assert torch.allclose(judge.video_features(clip), alone, atol=1e-5)


def test_batch_norm_learns_in_training_mode_only(clips):
    judge = Judge({"class": 5}, 4)
    means = [value for name, value in judge.named_buffers() if name.endswith("running_mean")]
    assert len(means) == 6  # one a convolution
    judge.eval().predict(clips(2))
    assert not any(mean.any() for mean in means)
    judge.train().predict(clips(2))
    assert all(mean.any() for mean in means)


def test_gradients_reach_every_weight(clips):
    judge = Judge({"class": 5, "factor:shape": 3}, 4)
    sum(logits.square().mean() for pair in judge.predict(clips(2)).values() for logits in pair).backward()
    assert [name for name, p in judge.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_name_and_no_fingerprint_before_it_is_trained(judge):
    assert judge.name == "judge" and judge.fingerprint == ""
