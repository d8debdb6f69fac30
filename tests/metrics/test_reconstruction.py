"""Scores of reconstructions: what is measured once for all methods equals what scoring the clips themselves gives."""

import numpy as np
import pytest
import torch
from function_tokenizer import FunctionTokenizer
from sprite_data import sprites_data
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sweettok.metrics.distances import judge_distances
from sweettok.metrics.reconstruction import clip_size, clip_words, operation_count, per_clip_rows, score, summarise
from sweettok.metrics.scorers import open_scorers
from sweettok.models.judge import Judge
from sweettok.params import CodecPoint, EvaluateReconstruction
from sweettok.tokenizers.codecs import CodecTokenizer
from sweettok.tokenizers.mean_colour import MeanColour, mean_colour_psnr
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    return Judge({"class": 3}, 4).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "data"
    prepare(sprites_data(clips=(2, 2, 10), frames=5), folder)
    return ClipStore.open(folder, "test")


def test_real_features_are_those_of_a_perfect_method(judge, store):
    distances = judge_distances(judge, store)
    scorers, _ = open_scorers(judge, None, store.size)
    perfect = score(FunctionTokenizer(lambda clip: clip), store, 10, scorers, distances)
    assert [distance.name for distance in distances] == ["frechet_video/judge", "frechet_image/judge"]
    for distance in distances:
        assert distance.real.shape == (10, 32) and np.array_equal(distance.real, perfect.features[distance.name])
    settings = EvaluateReconstruction(batch_size=10, bootstrap=20, seed=0)
    records = summarise(perfect, store, settings, scorers, distances)
    assert records["psnr"]["value"] == 100 and records["ssim"]["value"] == pytest.approx(1)
    for name in ("perceptual/judge", "frechet_video/judge", "frechet_image/judge"):
        assert records[name]["value"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("batch_size", [3, 10])
def test_mean_colour_is_scored_alike_with_and_without_the_judge(judge, store, batch_size):
    scorers, _ = open_scorers(judge, None, store.size)
    scored = score(MeanColour("mean_colour", store.frames, store.size), store, batch_size, scorers)
    assert mean_colour_psnr(store, batch_size) == pytest.approx(scored.scores["psnr"].mean(), rel=1e-12)
    assert list(per_clip_rows(scored, store, scorers)) == ["clip", "psnr", "ssim", "perceptual"]


@pytest.mark.parametrize("keep", [1, 4, 8, 20])
def test_the_first_clips_are_kept_for_pictures(store, keep):
    first = score(FunctionTokenizer(lambda clip: clip.flip(2)), store, batch_size=4, scorers=[], keep=keep).first
    assert torch.equal(first, store.clips(range(min(keep, 10))).flip(2))


def test_the_size_of_a_clip_is_that_of_its_tokens(store):
    mean = MeanColour("mean_colour", store.frames, store.size)
    reconstructions = score(mean, store, 4, [])
    assert clip_size(mean, reconstructions) == {"tokens": 1, "indices": 3, "bits": 96.0} and not reconstructions.sizes


def test_a_variable_rate_is_counted_clip_by_clip_and_has_no_tokens(store):
    codec = CodecTokenizer("h264", store.frames, store.size, "h264", CodecPoint(crf=40, time=1, space=1))
    reconstructions, clips = score(codec, store, 4, []), store.clips(range(10))
    assert clip_size(codec, reconstructions) == {
        "tokens": None,
        "indices": None,
        "bits": reconstructions.sizes["bits"].mean(),
    }
    alone = [codec.sizes(codec.encode(clip[None]))["bits"].item() for clip in clips]
    assert (
        reconstructions.sizes["bits"].tolist() == alone
        and (reconstructions.sizes["bits"] > reconstructions.sizes["bits_without_headers"]).all()
    )


@pytest.mark.parametrize("overrides", [{}, {"lookup": "composed"}])
def test_words_of_clips_are_the_model_s(make_model, clips, overrides):
    model = make_model(**overrides)
    whole = model.words(model.encode(clips(3)))
    for named, words in zip(clip_words(model, clips(3)), whole, strict=True):
        assert " ".join(named["spatial"] + named["temporal"]) == " ".join(words)


def test_codes_of_a_learned_codebook_are_numbered(make_model, clips):
    model = make_model(quantizer="learned")
    tokens = model.encode(clips(2))
    first = clip_words(model, clips(2))[0]
    assert first["spatial"] == [f"code {index}" for index in tokens[0, :4].tolist()]


def test_operations_count_attention_as_its_products_of_matrices(make_model, clips):
    model = make_model()
    model.reconstruct(clips(1))  # makes the words' codes, once
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model.reconstruct(clips(1))
    assert operation_count(model) == counter.get_total_flops() > 0
