"""The perceptual distance on a published network's maps: what it measures, and its name."""

import pytest
import torch

from sweettok.metrics.perceptual import perceptual_distance
from sweettok.metrics.perceptual_networks import CLIPS_AT_ONCE, MapDistance
from sweettok.models.judge import Judge
from sweettok.weights import WeightsFile


def test_parts_give_what_the_whole_gives(tmp_path):
    torch.manual_seed(0)
    judge = Judge({"class": 3}, 4).eval().requires_grad_(False)
    a, b = torch.rand(2, 2 * CLIPS_AT_ONCE + 1, 3, 3, 16, 16) * 2 - 1
    network = MapDistance("x", WeightsFile(tmp_path, "a" * 64, "published"), judge)
    torch.testing.assert_close(network.distance(a, b), perceptual_distance(judge, a, b))
    assert network.metric == "perceptual/x" and network.facts["weights_sha256"] == "a" * 64


@pytest.mark.parametrize(
    "standing, metric", [("unlisted", "perceptual/x/unlisted-aaaaaaaa"), ("unverified", "perceptual/x-unverified")]
)
def test_other_weights_have_another_name(tmp_path, standing, metric):
    assert MapDistance("x", WeightsFile(tmp_path, "a" * 64, standing), None).metric == metric
