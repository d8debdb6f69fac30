"""The choice of guidance and temperature: nearest to validation clips, the same in all processes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from memory_store import random_store

from sweettok.errors import InputError
from sweettok.generation import choice
from sweettok.generation.choice import choose_settings
from sweettok.generation.layout import TokenGroup, TokenLayout
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.sampling import sample_classes_in_turn
from sweettok.metrics.frechet import FeatureMoments, frechet_distance
from sweettok.models.judge import Judge
from sweettok.params import Sampling

CLASSES, SEED = 2, 3
LAYOUT = TokenLayout((TokenGroup("spatial", 6, ((0, 5),)),))
SECTION = {
    "samples": 4, "batch_size": 3, "guidance": [1.0, 3.0], "temperature": [0.2, 5.0], "top_k": 0, "top_p": 1.0, "seed": 0,
    "choice_samples": 10,
}  # fmt: skip


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    judge = Judge({"class": CLASSES}, 4).eval().requires_grad_(False)
    judge.fingerprint = "0" * 64
    return judge


@pytest.fixture(scope="module")
def val():
    return random_store(8, "val", CLASSES)


@pytest.fixture(scope="module")
def prior():
    prior = Prior(PriorConfig(1, 2, 16, CLASSES, 0.1, LAYOUT), torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.mul_(8 if parameter.ndim == 2 else 1)
    return prior


@pytest.fixture
def tokenizer():
    """Tokens (B, 6) in [0, 5) -> clips whose pixels are these, over and over."""

    def decode(tokens):
        pixels = tokens.repeat(1, 3 * 5 * 16 * 16 // 6) / 2 - 1
        return pixels.view(-1, 3, 5, 16, 16)

    return SimpleNamespace(device=torch.device("cpu"), decode=decode)


def test_equals_measuring_each_candidate_alone(prior, tokenizer, judge, val):
    sampling = Sampling(**SECTION)
    chosen = choose_settings(prior, tokenizer, judge, val, sampling, SEED)
    real = FeatureMoments.of(judge.video_features(val.clips(range(len(val)))))
    expected = []
    for settings in sampling.candidates:
        tokens, labels = sample_classes_in_turn(prior, settings.model_copy(update={"samples": 10}), SEED)
        clips = tokenizer.decode(tokens)
        assert labels.tolist() == [0, 1] * 5
        kept = (judge.predict(clips)["class"][1].argmax(-1) == labels).float().mean()
        distance = frechet_distance(FeatureMoments.of(judge.video_features(clips)), real)
        expected.append((settings.guidance, settings.temperature, distance, kept))
    for row, (guidance, temperature, distance, kept) in zip(chosen.table, expected, strict=True):
        assert (row["guidance"], row["temperature"], row["n"], row["split"]) == (guidance, temperature, 10, "val")
        assert row["frechet"] == pytest.approx(distance, rel=1e-4, abs=1e-6)
        assert row["class_consistency"] == pytest.approx(kept)
        assert row["says_nothing"] == "8 clips for 32 features; needs more than 32"
    assert len({row["frechet"] for row in chosen.table}) > 1
    best = min(chosen.table, key=lambda row: row["frechet"])
    assert (chosen.settings.guidance, chosen.settings.temperature) == (best["guidance"], best["temperature"])
    assert chosen.settings in sampling.candidates  # as many samples as the final number, not as for the choice


def test_is_repeatable_and_leaves_torchs_generator_alone(prior, tokenizer, judge, val):
    state = torch.get_rng_state()
    one, two = (choose_settings(prior, tokenizer, judge, val, Sampling(**SECTION), SEED) for _ in range(2))
    assert one == two and torch.equal(state, torch.get_rng_state())


def test_of_equal_distances_the_more_consistent_wins():
    rows = [(2.0, 1.0), (1.0, 0.5), (1.0, 0.75), (1.0, 0.75)]
    assert choice._best([{"frechet": far, "class_consistency": kept} for far, kept in rows]) == 2


def test_one_candidate_is_taken_unmeasured(val):
    sampling = Sampling(**SECTION | {"guidance": 2.0, "temperature": 0.5})
    chosen = choose_settings(None, None, None, val, sampling, SEED)
    assert chosen.settings == sampling.candidates[0] and chosen.table == []


def test_all_processes_take_the_first_ones_choice(prior, tokenizer, judge, val, monkeypatch):
    first = [{"frechet": float(far), "class_consistency": 0.0} for far in (3, 2, 1, 2)]
    monkeypatch.setattr(choice, "gathered_objects", lambda table: [first, table])
    chosen = choose_settings(prior, tokenizer, judge, val, Sampling(**SECTION), SEED)
    assert chosen.table == first and chosen.settings == Sampling(**SECTION).candidates[2]


def test_too_few_validation_clips(prior, tokenizer, judge):
    with pytest.raises(InputError, match=r"4 .*sampling\.guidance .*sampling\.temperature .*2 validation .* 1;"):
        choose_settings(prior, tokenizer, judge, random_store(1, "val"), Sampling(**SECTION), SEED)


def test_features_are_those_of_the_whole_set(prior, tokenizer, judge, val):
    """Batches of 3 of 10 samples leave a last one of 1."""
    whole = choose_settings(prior, tokenizer, judge, val, Sampling(**SECTION | {"batch_size": 10}), SEED)
    parts = choose_settings(prior, tokenizer, judge, val, Sampling(**SECTION), SEED)
    np.testing.assert_allclose([r["frechet"] for r in whole.table], [r["frechet"] for r in parts.table], rtol=1e-3)
