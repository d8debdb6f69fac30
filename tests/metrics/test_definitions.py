"""What a protocol calls PSNR, SSIM and Frechet distance is what its authors compute, written anew here, on random clips."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import sqrtm
from skimage.metrics import structural_similarity

from sweettok.errors import InputError
from sweettok.metrics.definitions import frame_psnr, scorers_under, uniform_ssim
from sweettok.metrics.fidelity import psnr
from sweettok.metrics.frechet import FeatureMoments, frechet_distance
from sweettok.metrics.presets import PRESETS
from sweettok.metrics.protocol import adapted, preset
from sweettok.metrics.scorers import open_scorers


@pytest.fixture(scope="module")
def clips():
    """Bytes (B, T, H, W, 3) and their noisy copy, frames of unequal noise."""
    generator = np.random.default_rng(0)
    smooth = generator.integers(60, 200, (2, 4, 6, 6, 3)).repeat(4, axis=2).repeat(4, axis=3)
    noise = generator.normal(0, [[[[[5]]], [[[30]]], [[[2]]], [[[60]]]]], smooth.shape)
    return smooth.astype(np.uint8), (smooth + noise).clip(0, 255).astype(np.uint8)


def in_unit(frames):
    """(B, T, H, W, 3) bytes -> (B, 3, T, H, W) in [0, 1]."""
    return torch.from_numpy(frames).permute(0, 4, 1, 2, 3).double() / 255


def larp_psnr(x, y):
    return (-10 * torch.log10((in_unit(x) - in_unit(y)).square().mean(dim=(1, 2, 3, 4)))).mean()


def vidtok_psnr(x, y):
    return (-10 * torch.log10((in_unit(x) - in_unit(y)).square().mean(dim=(1, 3, 4)) + 1e-8)).mean()


def vidtok_ssim(x, y):
    """The library piq's: Gaussian window without padding, data range 1."""
    offsets = torch.arange(11, dtype=torch.float64) - 5
    kernel = torch.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    kernel = (kernel / kernel.sum())[None, None]
    x, y = (in_unit(clip).flatten(0, 2)[:, None] for clip in (x, y))  # planes
    mean_x, mean_y, xx, yy, xy = (F.conv2d(planes, kernel) for planes in (x, y, x * x, y * y, x * y))
    structure = (2 * (xy - mean_x * mean_y) + 0.03**2) / (xx - mean_x**2 + yy - mean_y**2 + 0.03**2)
    return ((2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2) * structure).mean()


def tokenbench_psnr(x, y):
    errors = (x.astype(np.float32) - y.astype(np.float32)) ** 2
    return np.mean([20 * np.log10(255 / (np.sqrt(error.mean()) + np.finfo(np.float32).eps)) for error in errors])


def tokenbench_ssim(x, y):
    frames = zip(x.reshape(-1, *x.shape[2:]), y.reshape(-1, *y.shape[2:]), strict=True)
    return np.mean([structural_similarity(a, b, data_range=255, channel_axis=-1) for a, b in frames])


@pytest.mark.parametrize(
    ("name", "metric", "theirs"),
    [
        ("larp", "psnr", larp_psnr),
        ("vidtok", "psnr", vidtok_psnr),
        ("vidtok", "ssim", vidtok_ssim),
        ("tokenbench", "psnr", tokenbench_psnr),
        ("tokenbench", "ssim", tokenbench_ssim),
    ],
)
def test_pairs_are_scored_as_the_authors_do(clips, name, metric, theirs):
    scorers, _ = open_scorers(None, None, 24, (metric,))
    (scorer,) = scorers_under(preset(name), scorers)
    ours = scorer.compute(*((in_unit(one) * 2 - 1).float() for one in clips)).mean()
    assert scorer.name == f"{metric}@{name}" and scorer.facts["protocol"]["name"] == name
    assert ours.item() == pytest.approx(float(theirs(*clips)), rel=1e-5)


def omnitokenizer_distance(a, b):
    """Symmetric roots by singular values, covariances over n - 1."""

    def root(matrix):
        u, s, v = torch.svd(matrix)
        return u @ torch.diag(torch.where(s < 1e-10, s, s.sqrt())) @ v.T

    a, b = torch.from_numpy(a), torch.from_numpy(b)
    of_a, of_b = a.T.cov(), b.T.cov()
    return (
        (a.mean(0) - b.mean(0)).square().sum()
        + (of_a + of_b).trace()
        - 2 * root(root(of_a) @ of_b @ root(of_a)).trace()
    )


def stylegan_v_distance(a, b):
    """Sums of features and of their products over n; the root of the product of the covariances."""
    of_a, of_b = (x.T @ x / len(x) - np.outer(x.mean(0), x.mean(0)) for x in (a, b))
    return np.square(a.mean(0) - b.mean(0)).sum() + np.trace(of_a + of_b - 2 * sqrtm(of_a @ of_b).real)


def tokenbench_distance(a, b):
    """torchmetrics' FID: covariances over n - 1, the root's trace by eigenvalues of the product."""
    of_a, of_b = np.cov(a.T), np.cov(b.T)
    root = np.sqrt(np.linalg.eigvals(of_a @ of_b).astype(complex)).real.sum()
    return np.square(a.mean(0) - b.mean(0)).sum() + np.trace(of_a) + np.trace(of_b) - 2 * root


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("omnitokenizer", omnitokenizer_distance),
        ("sweettok-code", omnitokenizer_distance),
        ("sweettok-code-generation", omnitokenizer_distance),
        ("larp", stylegan_v_distance),
        ("stylegan-v", stylegan_v_distance),
        ("vidtok", stylegan_v_distance),
        ("tokenbench", tokenbench_distance),
    ],
)
def test_distances_are_the_authors(name, theirs):
    generator = np.random.default_rng(0)
    a, b = (generator.normal(shift, 1, (30, 5)) @ generator.normal(size=(5, 5)) for shift in (0, 1))
    unbiased = PRESETS[name].covariance == "unbiased"
    ours = frechet_distance(FeatureMoments.of(a), FeatureMoments.of(b), unbiased)
    assert ours == pytest.approx(float(theirs(a, b)), rel=1e-8)


def test_the_mean_over_frames_is_above_the_psnr_of_the_clip(clips):
    x, y = ((in_unit(one) * 2 - 1).float() for one in clips)
    assert (frame_psnr(x, y) > psnr(x, y)).all()
    assert frame_psnr(x, x).tolist() == [100, 100] and uniform_ssim(x, x).tolist() == pytest.approx([1, 1])
    with pytest.raises(InputError, match="7x7"):
        uniform_ssim(x[..., :6], y[..., :6])


def test_other_metrics_are_measured_on_the_protocol_s_pixels(clips):
    """Of bytes: half a step of brightness more makes no difference."""
    protocol = adapted(preset("tokenbench"), frames=4, resolution=24)
    scorers, _ = open_scorers(None, None, 24, ("psnr",))
    (scorer,) = scorers_under(protocol, scorers)
    x = (in_unit(clips[0]) * 2 - 1).float()
    assert scorer.compute(x, x + 0.4 / 127.5).tolist() == [100, 100]
