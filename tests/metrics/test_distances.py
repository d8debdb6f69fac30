"""Frechet distances by params: the judge's as they always were, further ones under their protocols, those left out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from function_tokenizer import FunctionTokenizer
from sprite_data import sprites_data

from sweettok.metrics import distances
from sweettok.metrics.distances import FrechetDistance, judge_distances, open_distances, own_protocol, size_records
from sweettok.metrics.extractors import Extractor
from sweettok.metrics.frechet import FeatureMoments, frechet_distance
from sweettok.metrics.protocol import adapted, preset, select
from sweettok.metrics.reconstruction import score, summarise
from sweettok.models.judge import Judge
from sweettok.params import EvaluateReconstruction, Metrics, WeightsSource
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore

SETTINGS = EvaluateReconstruction(batch_size=4, bootstrap=20, seed=0)
ABSENT = WeightsSource(path=None, sha256=None, download=False)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    judge = Judge({"class": 3}, 4).eval().requires_grad_(False)
    judge.fingerprint = "0" * 64
    return judge


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "data"
    prepare(sprites_data(clips=(13, 2, 11)), folder)
    return {split: ClipStore.open(folder, split) for split in ("train", "test")}


def mean_pixels(clips):
    """Features (B, 6): means and deviations of the colours."""
    return torch.cat([clips.mean(dim=(2, 3, 4)), clips.std(dim=(2, 3, 4))], dim=1)


def stub(name="i3d", metric="fvd"):
    return Extractor(name, "video", 6, metric, "e" * 64, mean_pixels, min_frames=9)


def asked(**changes):
    nothing = {"extractors": (), "perceptual": (), "protocols": ("own",), "weights": {}, "sizes": ()}
    return Metrics(**(nothing | changes))


def darker(clip):
    return clip * 0.5


def test_the_judges_distances_are_those_of_its_features(judge, stores):
    test = stores["test"]
    found = judge_distances(judge, test)
    scored = score(FunctionTokenizer(darker), test, 4, [], found)
    records = summarise(scored, test, SETTINGS, [], found)
    clips = test.clips(range(11))
    seen = {"video": judge.video_features, "image": lambda c: judge.image_features(c[:, :, :1])}
    for kind, features in seen.items():
        record = records[f"frechet_{kind}/judge"]
        of_generated, of_real = (FeatureMoments.of(features(c).numpy()) for c in (darker(clips), clips))
        assert record["value"] == pytest.approx(frechet_distance(of_generated, of_real), rel=1e-4)
        facts = record["protocol"]
        assert (facts["frames"], facts["resolution"], facts["extractor"]) == (9, 16, "judge")
        assert facts["input"] == ("whole clip" if kind == "video" else "first frame")
        assert facts["protocol"]["name"] == "own" and facts["weights_sha256"] == "0" * 64


def test_a_published_protocol_on_another_split_has_its_own_reconstructions(stores, tmp_path, monkeypatch):
    """LARP's (train clips, a drawn start), at this store's size: features of the method's clips, window by window."""
    monkeypatch.setattr(distances, "open_extractor", lambda name, source: stub(name))
    smaller = adapted(preset("larp"), frames=9, resolution=16, clips=6).model_copy(update={"name": "larp"})
    monkeypatch.setattr(distances, "preset", lambda name: smaller)
    settings = asked(extractors=("i3d",), protocols=("own", "larp"), weights={"i3d": ABSENT})
    found, skipped = open_distances(settings, stores, tmp_path)
    assert [distance.name for distance in found] == ["fvd", "fvd@larp"] and not skipped
    assert [distance.selection.store.split for distance in found] == ["test", "train"]
    scored = score(FunctionTokenizer(darker), stores["test"], 4, [], found)
    np.testing.assert_allclose(scored.features["fvd"], mean_pixels(darker(stores["test"].clips(range(11)))), atol=1e-5)
    expected = mean_pixels(darker(stores["train"].clips(range(6))))
    np.testing.assert_allclose(scored.features["fvd@larp"], expected, atol=1e-5)
    record = summarise(scored, stores["test"], SETTINGS, [], found)["fvd@larp"]
    assert (record["n"], record["split"]) == (6, "train")
    assert record["protocol"]["covariance"] == "biased" and record["protocol"]["protocol"]["name"] == "larp"
    assert len(list(tmp_path.iterdir())) == 2, "the real clips' features are kept"


@pytest.mark.parametrize("batch_size", [3, 11])
def test_a_selection_of_the_split_gets_its_own_windows(stores, batch_size):
    """Clips drawn and frames 2..5 of them, whatever the batches they come in."""
    protocol = adapted(own_protocol(stub(), stores["test"]), clips=5, choice="random", frames=4, start="random", seed=3)
    selection = select(protocol, stores["test"])
    short = replace(stub(), min_frames=1)
    distance = FrechetDistance(short, selection, mean_pixels(selection.clips(range(5))).numpy())
    scored = score(FunctionTokenizer(lambda clip: clip), stores["test"], batch_size, [], [distance])
    np.testing.assert_allclose(scored.features[distance.name], distance.real, atol=1e-6)


def test_what_cannot_be_had_is_left_out_with_its_reason(stores, tmp_path):
    weights = {"inception": ABSENT, "squeezenet1_0": ABSENT}
    settings = asked(extractors=("inception", "squeezenet1_0"), weights=weights, protocols=("own", "larp"))
    found, skipped = open_distances(settings, stores, tmp_path)
    assert found == []
    assert {(entry.metric, entry.kind) for entry in skipped} == {
        ("fid", "image"), ("frechet_image/squeezenet1_0", "image"), ("fvd@larp", "video"),
    }  # fmt: skip
    reasons = {entry.metric: entry.why for entry in skipped}
    assert "download" in reasons["fid"] and "path" in reasons["fid"]
    assert "i3d" in reasons["fvd@larp"] and "metrics.extractors" in reasons["fvd@larp"]
    assert not any("\n" in why for why in reasons.values())


def test_clips_that_a_protocol_cannot_use_leave_it_out(stores, tmp_path, monkeypatch):
    monkeypatch.setattr(distances, "open_extractor", lambda name, source: replace(stub(name), min_frames=10))
    settings = asked(extractors=("i3d",), protocols=("own", "stylegan-v"), weights={"i3d": ABSENT})
    found, skipped = open_distances(settings, stores, tmp_path)
    assert found == [] and [entry.metric for entry in skipped] == ["fvd", "fvd@stylegan-v"]
    assert "needs clips of at least 10 frames, but the protocol own has 9" in skipped[0].why
    assert "wants 16 frames" in skipped[1].why


def test_size_curves(stores, tmp_path, monkeypatch):
    monkeypatch.setattr(distances, "open_extractor", lambda name, source: stub(name))
    found, _ = open_distances(asked(extractors=("i3d",), weights={"i3d": ABSENT}), stores, tmp_path)
    features = {"fvd": found[0].real * 0.9}
    records, skipped = size_records(found, features, (7, 9, 11), seed=0, paired=True)
    curve = records["fvd:limit"]["protocol"]["curve"]
    assert list(curve["sizes"]) == [7, 9, 11] and curve["full_rank"] and not skipped
    assert curve["means"][-1] == pytest.approx(found[0].record(features["fvd"], 0, paired=True)["value"])
    records, skipped = size_records(found, features, (7, 12), seed=0, paired=True)
    assert records == {} and skipped[0].why == "metrics.sizes goes to 12, but there are 11 clips"
    assert size_records(found, features, (), seed=0, paired=True) == ({}, [])
