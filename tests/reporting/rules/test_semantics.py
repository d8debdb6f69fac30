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
    ("appearance", "motion", "weaker"),
    [((0.3, 0.31, 0.29), (0.2, 0.22, 0.21), MOTION), ((0.1, -0.1, 0.0), (0.2, 0.22, 0.21), APPEARANCE)],
)
def test_the_weaker_contrast_decides(cells, of, appearance, motion, weaker):
    rows = [probes(a, m) for a, m in zip(appearance, motion, strict=True)]
    found = PROBES.measured(of(cells("full", PSNR, semantics=rows)), "accuracy")
    assert found.secondary[APPEARANCE].mean == pytest.approx(sum(appearance) / 3 + 0.01)
    assert found.secondary[MOTION].mean == pytest.approx(sum(motion) / 3)
    assert found.primary == found.secondary[weaker] and not found.open_because


def test_probes_not_run_of_other_factors_or_of_one_seed(cells, of):
    def measured(**rest):
        return PROBES.measured(of(cells("full", PSNR[:1], **rest)), "accuracy")

    assert PROBES.measured(Results("test"), "accuracy").primary is measured().primary is None
    classes = {"probes": [{"tokens": "spatial", "factor": "class", "accuracy": {"value": 1}, "chance": 0.1}]}
    assert measured(semantics=[classes]).primary is None
    assert measured(semantics=[probes(0.3, 0.2)]).open_because == "one seed says nothing of others"


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
    ("words", "tokens", "weaker"),
    [
        ((0.6, 0.62, 0.61), (0.4, 0.41, 0.42), "words - tokens of learned_codebook"),
        ((0.15, 0.16, 0.15), (0.1, 0.1, 0.1), "words - chance"),  # better than tokens, but below chance
    ],
)
def test_few_shot(cells, of, words, tokens, weaker):
    full = cells("full", PSNR, semantics=[shots("words_spatial", value) for value in words])
    learned = cells("learned_codebook", PSNR, semantics=[shots("spatial", value) for value in tokens])
    found = SHOTS.measured(of(full, learned), "accuracy")
    assert found.secondary["words - chance"].mean == pytest.approx(sum(words) / 3 - 0.2)
    assert found.secondary["words - tokens of learned_codebook"].mean == pytest.approx((sum(words) - sum(tokens)) / 3)
    assert found.primary == found.secondary[weaker] and found.terms["tokens"] == (80, 80)


def test_few_shot_not_run(cells, of):
    full = cells("full", PSNR, semantics=[shots("words_spatial", 0.5)] * 3)
    other_ways = cells("learned_codebook", PSNR, semantics=[shots("spatial", 0.5, ways=2)] * 3)
    for results in (Results("test"), of(full), of(full, cells("learned_codebook", PSNR)), of(full, other_ways)):
        assert SHOTS.measured(results, "accuracy").primary is None
