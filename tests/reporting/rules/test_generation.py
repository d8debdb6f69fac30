"""Samples of priors over the tokens of ablation variants."""

from math import log

import pytest

from sweettok.reporting.rules.generation import GeneratesBetter, PredictsBetter

TEST = GeneratesBetter(kind="generates_better", better="full", worse="coupled")
METRIC = "frechet_video/judge"


@pytest.fixture
def sampled(cells):
    """(variant, Frechet distance and class consistency of each seed) -> cells; the loss is a tenth of the distance."""

    def make(variant, distances, consistencies, psnr=20.0):
        made = cells(variant, [psnr] * len(distances))
        for cell, distance, consistency in zip(made, distances, consistencies, strict=True):
            metrics = {METRIC: {"value": distance}, "class_consistency": {"value": consistency}}
            metrics["loss"] = {"value": distance / 10}
            cell.summary["generation"] = {"metrics": metrics}
        return made

    return make


def test_above_zero_is_what_the_better_tokens_save(sampled, of):
    found = TEST.measured(
        of(sampled("full", [40.0, 44.0], [0.8, 0.9]), sampled("coupled", [50.0, 48.0], [0.6, 0.8])), METRIC
    )
    assert found.primary.per_seed == pytest.approx([log(50 / 40), log(48 / 44)])
    assert found.secondary["class_consistency"].mean == pytest.approx(0.15)
    assert not found.open_because and found.terms["bits"] == (560.0, 560.0)


def test_tokens_that_a_prior_predicts_better_have_the_lower_loss(sampled, of):
    test = PredictsBetter(kind="predicts_better", better="full", worse="coupled")
    full, coupled = sampled("full", [40.0, 44.0], [0.8, 0.9]), sampled("coupled", [50.0, 48.0], [0.6, 0.8])
    assert test.measured(of(full, coupled), "loss").primary.per_seed == pytest.approx([1.0, 0.4])
    collapsed = sampled("full", [1.0, 1.0], [0.2, 0.2], psnr=15.0)  # one and the same token is the easiest to predict
    assert test.measured(of(collapsed, coupled), "loss").open_because.startswith("full less than 1.5 dB")


def test_distances_that_say_nothing_decide_nothing(sampled, of):
    results = of(sampled("full", [40.0, 44.0], [0.8, 0.9]), sampled("coupled", [50.0, 48.0], [0.6, 0.8]))
    distance = results.of_variant("coupled")[1].summary["generation"]["metrics"][METRIC]
    distance["protocol"] = {"says_nothing": "16 clips for 64 features"}
    assert TEST.measured(results, METRIC).open_because == "not meaningful: 16 clips for 64 features"


def test_without_samples_and_with_one_seed(sampled, cells, of):
    full = sampled("full", [40.0, 44.0], [0.8, 0.9])
    assert TEST.measured(of(full, cells("coupled", [20.0, 20.0])), METRIC).primary is None
    one = TEST.measured(of(full, sampled("coupled", [50.0], [0.6])), METRIC)
    assert one.primary.seeds == (0,) and one.open_because == "one seed says nothing of others"
