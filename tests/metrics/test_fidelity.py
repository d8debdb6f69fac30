import warnings

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from sweettok.metrics import fidelity
from sweettok.metrics.fidelity import psnr, ssim


@pytest.fixture(scope="module")
def pair():
    """Three clips of 5 smooth-ish frames, 20 x 24, and reconstructions of falling quality."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(3, 3, 5, 5, 6, generator=generator) * 2 - 1
    clip = torch.nn.functional.interpolate(coarse, size=(5, 20, 24), mode="trilinear")
    noise = torch.randn(clip.shape, generator=generator) * torch.tensor([0.05, 0.2, 0.6]).view(3, 1, 1, 1, 1)
    return clip, (clip + noise).clamp(-1, 1)


def reference_ssim(clip, reconstruction):
    """scikit-image, frame by frame, on intensities in [0, 1]."""
    frames = zip(*(((x.double() + 1) / 2).permute(1, 2, 3, 0).numpy() for x in (clip, reconstruction)), strict=True)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    return np.mean([structural_similarity(x, y, channel_axis=-1, **options) for x, y in frames])


def test_psnr_agrees_with_scikit_image(pair):
    clip, reconstruction = pair
    expected = [
        peak_signal_noise_ratio(x.double().numpy(), y.double().numpy(), data_range=2.0)
        for x, y in zip(clip, reconstruction, strict=True)
    ]
    np.testing.assert_allclose(psnr(clip, reconstruction), expected, rtol=1e-12)


def test_ssim_agrees_with_scikit_image(pair):
    clip, reconstruction = pair
    expected = [reference_ssim(x, y) for x, y in zip(clip, reconstruction, strict=True)]
    np.testing.assert_allclose(ssim(clip, reconstruction), expected, rtol=1e-6)


def test_ssim_agrees_with_torchmetrics_where_the_window_fits(pair):
    from sweettok.torchvision_operators import define_missing_operators

    define_missing_operators()
    from torchmetrics.functional.image import structural_similarity_index_measure

    clip, reconstruction = (x.double().add(1).permute(0, 2, 1, 3, 4) for x in pair)  # (B, T, 3, H, W) in [0, 2]
    expected = []
    for x, y in zip(reconstruction, clip, strict=True):
        _, positions = structural_similarity_index_measure(x, y, data_range=2.0, return_full_image=True)
        expected.append(positions[..., 5:-5, 5:-5].mean())  # the rest comes from mirrored borders
    np.testing.assert_allclose(ssim(*pair), torch.stack(expected), rtol=1e-9)


def test_ssim_of_a_negative_is_below_zero(pair):
    """On values around 0 the means of a clip and its negative differ in sign, as their structure does: almost alike."""
    assert (ssim(pair[0], -pair[0]) < 0).all()


@pytest.mark.parametrize("metric, perfect", [(psnr, 100.0), (ssim, 1.0)])
def test_properties(pair, metric, perfect, monkeypatch):
    monkeypatch.setattr(fidelity, "at_once", lambda *size, on_cpu: 3)  # as on a GPU
    clip, reconstruction = pair
    scores = metric(clip, reconstruction)
    assert scores.shape == (3,) and scores.dtype == torch.float64
    assert scores[0] > scores[1] > scores[2], "more noise, lower score"
    torch.testing.assert_close(metric(clip, clip), torch.full((3,), perfect, dtype=torch.float64))
    torch.testing.assert_close(metric(reconstruction, clip), scores)
    alone = torch.cat([metric(clip[i : i + 1], reconstruction[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(alone, scores, rtol=1e-12, atol=0)


def test_psnr_of_a_known_error():
    clip = torch.zeros(1, 3, 1, 12, 12)
    assert psnr(clip, clip + 0.2).item() == pytest.approx(20.0, abs=1e-5)  # 10 log10(4 / 0.04)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_bad_input_is_named(pair, metric):
    clip, reconstruction = pair
    with pytest.raises(ValueError, match=r"clip: .*\[-1, 1\], .*, 25"):
        metric((clip + 1) * 127.5, reconstruction)
    with pytest.raises(ValueError, match=r"reconstruction: .*\[-1, 1\]"):
        metric(clip, torch.full_like(clip, float("nan")))
    with pytest.raises(ValueError, match="shape"):
        metric(clip, reconstruction[:, :, :2])
    with pytest.raises(ValueError, match=r"\(B, 3, T, H, W\)"):
        metric(clip[:, :, 0], reconstruction[:, :, 0])


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_clips_that_look_like_0_to_1_are_warned_of(pair, metric):
    clip, reconstruction = pair
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric(clip, reconstruction)
        metric(clip, torch.zeros_like(clip))  # without any contrast there is nothing to tell
        bright = clip * 0.35 + 0.6
        metric(bright, bright.mean((2, 3, 4), keepdim=True).expand_as(clip))
        metric(clip, bright)
    with pytest.warns(UserWarning, match=r"\[-1, 1\]; .*\[0, 1\]"):
        metric((clip + 1) / 2, (reconstruction + 1) / 2)


def test_a_bright_clip_is_not_warned_of():
    """Snow: nothing below medium grey, little near it."""
    bright = 0.3 + 0.7 * torch.rand(1, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    bright[..., :2, 0] = 0.05
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        psnr(bright, bright)


def test_the_warning_comes_once(pair):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for _ in range(3):
            psnr((pair[0] + 1) / 2, (pair[1] + 1) / 2)
    assert len(seen) == 1


def test_ssim_needs_room_for_its_window():
    with pytest.raises(ValueError, match="11x11"):
        ssim(torch.zeros(1, 3, 1, 10, 12), torch.zeros(1, 3, 1, 10, 12))
