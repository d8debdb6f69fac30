"""Probe contrasts and few-shot accuracy over seeds."""

import pytest

from sweettok.reporting.collect import Results
from sweettok.reporting.rules.semantics import FewShot, ProbeContrast

PSNR = [20.0, 20.1, 20.2]
PROBES = ProbeContrast(kind="probe_contrast", variant="full", appearance=("shape", "colour"), motion=("motion",))
SHOTS = FewShot.model_validate(
    {
        "kind": "few_shot",
        "variant": "full",
        "reference": "learned_codebook",
        "tasks": {"image": {"variant": "words_spatial", "reference": "spatial"}},
    }
)
APPEARANCE, MOTION = "appearance, spatial - temporal", "motion, temporal - spatial"


def probes(appearance, motion):
    """A cell's rows: spatial tokens are this much better at appearance, temporal tokens at motion; tint is not asked for."""
    better = {"shape": appearance, "colour": appearance + 0.02, "motion": -motion, "tint": -0.9}
    return {
        "probes": [
            {"tokens": tokens, "factor": f"factor:{factor}", "accuracy": {"value": value}, "chance": 0.2}
            for factor, by in better.items()
            for tokens, value in (("spatial", 0.5 + by / 2), ("temporal", 0.5 - by / 2))
        ]
    }


@pytest.mark.parametrize(
    ("appearance", "motion", "verdict"),
    [
        ((0.3, 0.31, 0.29), (0.2, 0.22, 0.21), "supported"),
        ((0.3, 0.31, 0.29), (-0.2, -0.22, -0.21), "contradicted"),
        ((0.3, 0.31, 0.29), (0.3, -0.3, 0.1), "inconclusive"),
    ],
)
def test_probe_contrast(cells, of, appearance, motion, verdict):
    rows = [probes(a, m) for a, m in zip(appearance, motion, strict=True)]
    ruling = PROBES.ruling(of(cells("full", PSNR, semantics=rows)))
    assert ruling.verdict == verdict
    assert ruling.effects[APPEARANCE].value == pytest.approx(sum(appearance) / 3 + 0.01)
    assert ruling.effects[MOTION].value == pytest.approx(sum(motion) / 3)


def test_probes_not_run_of_other_factors_or_of_too_few_seeds(cells, of):
    assert PROBES.ruling(Results("test")).verdict == "not run"
    assert PROBES.ruling(of(cells("full", PSNR))).verdict == "not run"
    classes = [{"probes": [{"tokens": "spatial", "factor": "class", "accuracy": {"value": 1}, "chance": 0.1}]}] * 3
    assert PROBES.ruling(of(cells("full", PSNR, semantics=classes))).verdict == "not run"
    two = PROBES.ruling(of(cells("full", PSNR[:2], semantics=[probes(0.3, 0.2), probes(0.31, 0.2)])))
    assert (two.verdict, two.reason) == ("inconclusive", "2 seeds, the rule asks for 3")


def shots(representation, accuracy, ways=5):
    """A cell's rows, with another representation and another task that must not count."""
    rows = [("image", representation, accuracy), ("image", "first_frame", 0.99), ("action", representation, 0.01)]
    return {
        "few_shot": [
            {"task": task, "ways": ways, "shots": k, "representation": name, "accuracy": {"value": value}}
            for task, name, value in rows
            for k in (1, 5)
        ]
    }


@pytest.mark.parametrize(
    ("words", "tokens", "verdict"),
    [
        ((0.6, 0.62, 0.61), (0.4, 0.41, 0.42), "supported"),
        ((0.3, 0.31, 0.3), (0.4, 0.41, 0.42), "contradicted"),
        ((0.6, 0.3, 0.4), (0.4, 0.41, 0.42), "inconclusive"),
        ((0.15, 0.16, 0.15), (0.1, 0.1, 0.1), "contradicted"),  # better than tokens, but below chance
    ],
)
def test_few_shot(cells, of, words, tokens, verdict):
    full = cells("full", PSNR, semantics=[shots("words_spatial", value) for value in words])
    learned = cells("learned_codebook", PSNR, semantics=[shots("spatial", value) for value in tokens])
    ruling = SHOTS.ruling(of(full, learned))
    assert ruling.verdict == verdict
    assert ruling.effects["words - chance"].value == pytest.approx(sum(words) / 3 - 0.2)
    assert ruling.effects["words - tokens of learned_codebook"].value == pytest.approx((sum(words) - sum(tokens)) / 3)


def test_few_shot_not_run(cells, of):
    full = cells("full", PSNR, semantics=[shots("words_spatial", 0.5)] * 3)
    other_ways = cells("learned_codebook", PSNR, semantics=[shots("spatial", 0.5, ways=2)] * 3)
    for results in (Results("test"), of(full), of(full, cells("learned_codebook", PSNR)), of(full, other_ways)):
        assert SHOTS.ruling(results).verdict == "not run"
