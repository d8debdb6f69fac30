import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from sweettok.metrics.frechet import (
    MAX_DIMS,
    RESAMPLES,
    FeatureMoments,
    frechet_distance,
    frechet_interval,
    frechet_record,
)
from sweettok.metrics.record import caveat


@pytest.fixture(scope="module")
def features():
    """Correlated rows: a (300, 6), b (200, 6) elsewhere."""
    generator = np.random.default_rng(0)
    a = generator.normal(size=(300, 6)) @ generator.normal(size=(6, 6)) + 2
    b = generator.normal(size=(200, 6)) @ generator.normal(size=(6, 6)) - 1
    return a, b


def test_moments_agree_with_numpy(features):
    moments = FeatureMoments.of(features[0])
    np.testing.assert_allclose(moments.mean(), features[0].mean(axis=0))
    np.testing.assert_allclose(moments.covariance(), np.cov(features[0].T), rtol=1e-10)
    np.testing.assert_allclose(moments.covariance(unbiased=False), np.cov(features[0].T, ddof=0), rtol=1e-10)


@pytest.mark.parametrize("batch", [1, 7, 300])
def test_batch_size_and_merging_change_nothing(features, batch):
    rows, other = features
    running = FeatureMoments(6)
    for start in range(0, len(rows), batch):
        running.update(torch.from_numpy(rows[start : start + batch]))
    expected = frechet_distance(FeatureMoments.of(rows), FeatureMoments.of(other))
    assert frechet_distance(running, FeatureMoments.of(other)) == pytest.approx(expected, rel=1e-10)

    halves = FeatureMoments.of(rows[:batch]).merge(FeatureMoments(6).update(rows[batch:]))
    assert halves.n == len(rows)
    assert frechet_distance(halves, FeatureMoments.of(other)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("unbiased", [True, False])
def test_agrees_with_scipy_sqrtm(features, unbiased):
    a, b = features
    ddof = 1 if unbiased else 0
    of_a, of_b = np.cov(a.T, ddof=ddof), np.cov(b.T, ddof=ddof)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(of_a + of_b - 2 * sqrtm(of_a @ of_b).real)
    distance = frechet_distance(FeatureMoments.of(a), FeatureMoments.of(b), unbiased)
    assert distance == pytest.approx(expected, rel=1e-8)


def test_agrees_with_torchmetrics_fid(features):
    from sweettok.torchvision_operators import define_missing_operators

    define_missing_operators()
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Corner(torch.nn.Module):
        """The features are six pixels of the image."""

        num_features = 6

        def forward(self, images):
            return images[:, 0, 0, :6].double()

    fid = FrechetInceptionDistance(feature=Corner(), normalize=False, input_img_size=(3, 1, 6)).set_dtype(torch.float64)
    for rows, real in zip(features, (True, False), strict=True):
        fid.update(torch.from_numpy(rows)[:, None, None, :].repeat(1, 3, 1, 1), real=real)
    distance = frechet_distance(*(FeatureMoments.of(rows) for rows in features))
    assert distance == pytest.approx(fid.compute().item(), rel=1e-6)


def test_closed_form_of_axis_aligned_gaussians():
    """Features exactly at mean +- deviation: |mu|^2 + sum (deviation_a - deviation_b)^2."""
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T  # covariance 1 with n as divisor
    a, b = signs * [1.0, 2.0, 3.0], signs * [2.0, 2.0, 0.5] + [1.0, 0.0, -2.0]
    distance = frechet_distance(FeatureMoments.of(a), FeatureMoments.of(b), unbiased=False)
    assert distance == pytest.approx(1 + 4 + 1 + 0 + 2.5**2)


def test_zero_for_equal_symmetric_and_rank_deficient(features):
    a, b = (FeatureMoments.of(rows) for rows in features)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    few = np.random.default_rng(1).normal(size=(5, 40)).repeat(2, axis=0)  # rank 4 in 40 dimensions
    assert frechet_distance(FeatureMoments.of(few), FeatureMoments.of(few)) == pytest.approx(0, abs=1e-8)
    shifted = frechet_distance(FeatureMoments.of(few), FeatureMoments.of(few + 1))
    assert shifted == pytest.approx(40, abs=1e-8)


def test_bad_input(features):
    a = FeatureMoments.of(features[0])
    with pytest.raises(ValueError, match=" 2 .* 1;"):
        frechet_distance(a, FeatureMoments.of(features[1][:1]))
    with pytest.raises(ValueError, match="6 and 5"):
        frechet_distance(a, FeatureMoments.of(features[1][:, :5]))
    with pytest.raises(ValueError, match="6 columns"):
        FeatureMoments(6).update(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="finite"):
        FeatureMoments(6).update(np.full((3, 6), np.nan))
    with pytest.raises(ValueError, match="rows, columns"):
        FeatureMoments(6).update(np.zeros(6))
    with pytest.raises(ValueError, match="mean .*1 row"):
        FeatureMoments(6).mean()


@pytest.mark.parametrize("paired", [True, False])
def test_interval_holds_the_estimate_and_narrows_with_n(paired):
    generator = np.random.default_rng(0)
    a = generator.normal(size=(800, 3))
    b = a * 1.5 + 1 + generator.normal(size=a.shape) * 0.1
    widths = []
    for n in (50, 800):
        low, high = frechet_interval(a[:n], b[:n], resamples=100, seed=0, paired=paired)
        assert 0 <= low < frechet_distance(FeatureMoments.of(a[:n]), FeatureMoments.of(b[:n])) < high
        assert (low, high) == frechet_interval(a[:n], b[:n], resamples=100, seed=0, paired=paired)
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_drawing_clips_together_tells_more_than_drawing_them_apart():
    """A shift by 1 of the same clips is certain; between two sets of clips it is not."""
    a = np.random.default_rng(0).normal(size=(100, 3))
    paired, apart = (frechet_interval(a, a + 1, 100, seed=0, paired=paired) for paired in (True, False))
    assert paired == pytest.approx((3, 3)) and apart[1] - apart[0] > 0.5
    low, high = frechet_interval(a, a[:40] + 1, 50, seed=0, paired=False)
    assert low < high


def test_paired_interval_needs_equal_rows(features):
    with pytest.raises(ValueError, match=r"\d+ and \d+$"):
        frechet_interval(*features, resamples=2, seed=0, paired=True)


@pytest.mark.parametrize("paired", [True, False])
def test_record_holds_the_distance_within_its_interval(paired):
    a, b = np.random.default_rng(0).normal(size=(2, 60, 3))
    entry = frechet_record(a, b, "test", 4, paired=paired, metric="frechet_video/judge", frames=17)
    low, high = frechet_interval(a, b, RESAMPLES, seed=4, paired=paired)
    assert entry["value"] == frechet_distance(FeatureMoments.of(a), FeatureMoments.of(b))
    assert entry["interval"] == [min(low, entry["value"]), max(high, entry["value"])]
    assert (entry["n"], entry["split"], entry["seed"]) == (60, "test", 4)
    assert entry["protocol"] == {"covariance": "unbiased", "frames": 17}


def test_record_of_a_distance_of_nothing_has_an_interval_that_holds_it(features):
    """Of equal features the resamples lie above the distance, which is 0 up to rounding."""
    entry = frechet_record(features[0], features[0], "test", 0, paired=True, metric="frechet_video/judge")
    low, high = entry["interval"]
    assert 0 <= low <= entry["value"] <= high < 1e-6


@pytest.mark.parametrize("generated, real, mark", [(3, 3, 3), (64, 80, 64), (80, 64, 64), (65, 65, None)])
def test_too_few_clips_for_the_features_are_marked_and_nothing_else_changes(generated, real, mark):
    a, b = (np.random.default_rng(n).normal(size=(n, 64)) for n in (generated, real))
    entry = frechet_record(a, b, "test", 0, paired=False, metric="frechet_video/judge")
    assert entry["value"] == frechet_distance(FeatureMoments.of(a), FeatureMoments.of(b))
    expected = f"{mark} clips for 64 features; needs more than 64" if mark else None
    assert entry["protocol"].get("says_nothing") == expected
    assert caveat(entry) == (f"not meaningful: {expected}" if mark else "")
    singular = [np.linalg.matrix_rank(np.cov(rows.T)) < 64 for rows in (a, b)]
    assert any(singular) == bool(mark)


def test_record_of_many_features_has_no_interval():
    """Each resample would cost seconds at FID's 2,048 features."""
    a, b = np.random.default_rng(0).normal(size=(2, 5, MAX_DIMS + 1))
    entry = frechet_record(a, b, "test", 0, paired=False, metric="fid", unbiased=False)
    assert entry["interval"] is None and entry["protocol"]["covariance"] == "biased"
    assert entry["value"] == frechet_distance(FeatureMoments.of(a), FeatureMoments.of(b), unbiased=False)
