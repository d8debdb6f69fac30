"""The tokenizer: decode(encode(x)) is the forward pass, tokens do not depend on the batch, saved and loaded."""

import json
from typing import get_args

import pytest
import torch

from sweettok.errors import InputError
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.tokenizer import VideoTokenizer, load_checked
from sweettok.params import Part, Patches

MODELS = {
    "decoupled": {},
    "decoupled, global": {"temporal_queries": "global", "encoder_blocks": 2, "decoder_blocks": 2, "temporal_depth": 2},
    "decoupled, per frame": {"temporal_queries": "per_frame", "encoder_blocks": 2, "temporal_depth": 2},
    "decoupled, global, consecutive": {"temporal_queries": "global", "residual": "consecutive"},
    "decoupled, composed": {"lookup": "composed"},
    "decoupled, learned": {"quantizer": "learned"},
    "coupled": {"architecture": "coupled"},
    "coupled, all words": {"architecture": "coupled", "words": "all"},
    "downsample": {"architecture": "downsample"},
    "downsample, learned": {"architecture": "downsample", "quantizer": "learned"},
    "fsq": {"quantizer": "fsq"},
    "factorised": {"quantizer": "factorised"},
    "dual": {"quantizer": "dual"},
    "coupled, holistic": {"architecture": "holistic", "quantizer": "stochastic", "prior_loss": 0.06},
}


@pytest.fixture(scope="module")
def models(make_model):
    return {name: make_model(**overrides) for name, overrides in MODELS.items()}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("frames, count", [(9, 20), (1, 4)])
def test_shapes_types_and_ranges(models, clips, name, frames, count):
    model = models[name]
    tokens = model.encode(clips(2)[:, :, :frames])
    indices = {"decoupled, composed": (3,), "factorised": (2,)}.get(name, ())
    assert tokens.shape == (2, count, *indices) and tokens.dtype == torch.int64
    clip = model.decode(tokens)
    assert clip.shape == (2, 3, frames, 16, 16) and clip.dtype == torch.float32 and clip.abs().max() <= 1
    assert model.groups == {"spatial": 4, "temporal": 16}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("frames", [9, 1])
def test_decode_of_encode_is_the_forward_pass(models, clips, name, frames, tmp_path):
    model, clip = models[name], clips(3, seed=5)[:, :, :frames]
    with torch.no_grad():
        coded, logits = model(clip)
        expected = model.pixels(logits).clamp(-1, 1)
    assert torch.equal(model.encode(clip), coded.tokens)
    assert torch.equal(model.decode(model.encode(clip)), expected)
    assert torch.equal(model.reconstruct(clip), expected)
    model.save(tmp_path / "model")
    loaded = VideoTokenizer.load(tmp_path / "model")
    assert not loaded.training
    assert torch.equal(loaded.encode(clip), coded.tokens) and torch.equal(loaded.decode(coded.tokens), expected)


@pytest.mark.parametrize(
    "name", ["decoupled", "decoupled, global", "decoupled, per frame", "decoupled, global, consecutive"]
)
def test_against_a_plain_implementation(models, clips, plain_tokenizer, name):
    model, clip = models[name], clips(3, seed=5)
    with torch.no_grad():
        tokens = plain_tokenizer.encode(model, clip)
        assert torch.equal(model.encode(clip), tokens) and len(tokens.unique()) > 5
        assert torch.allclose(model.decode(tokens), plain_tokenizer.decode(model, tokens), atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("frames", [9, 1])
def test_tokens_do_not_depend_on_the_batch(models, clips, name, frames):
    model, clip = models[name], clips(5, seed=6)[:, :, :frames]
    tokens = model.encode(clip)
    assert torch.equal(tokens, torch.cat([model.encode(one) for one in clip.split(1)]))
    assert torch.equal(tokens.flip(0), model.encode(clip.flip(0)))
    assert len(tokens.unique()) > 1  # else this says nothing


@pytest.mark.parametrize("name", [name for name in MODELS if not name.startswith("coupled")])
def test_spatial_tokens_depend_on_the_first_frame_only(models, clips, name):
    clip = clips(4)
    other = torch.cat([clip[:, :, :1], clips(4, seed=4)[:, :, 1:]], dim=2)
    one, two, image = (models[name].encode(c) for c in (clip, other, clip[:, :, :1]))
    assert torch.equal(one[:, :4], two[:, :4]) and torch.equal(one[:, :4], image)
    assert not torch.equal(one[:, 4:], two[:, 4:])


@pytest.mark.parametrize("name", MODELS)
def test_gradients_reach_every_trainable_part(make_model, clips, name):
    model, clip = make_model(**MODELS[name]).train(), clips(8, seed=2)
    coded, logits = model(clip)
    (model.pixels(logits) - clip).square().mean().add(coded.loss).backward()
    for part, members in model.parts().items():
        for member in members:
            weights = list(member.parameters()) if isinstance(member, torch.nn.Module) else [member]
            assert any(p.grad is not None and p.grad.any() for p in weights), part
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("name", MODELS)
def test_parts_name_every_parameter_once(models, name):
    named = [
        id(parameter)
        for members in models[name].parts().values()
        for member in members
        for parameter in (member.parameters() if isinstance(member, torch.nn.Module) else [member])
    ]
    assert len(named) == len(set(named)) and set(named) == {id(parameter) for parameter in models[name].parameters()}


def test_encoding_changes_no_weight_or_statistic(models, clips):
    model = models["decoupled"]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.reconstruct(clips(4, seed=8))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_starts_from_the_proxy(make_model, proxy_params, clips):
    torch.manual_seed(1)
    proxy = ProxyTokenizer(proxy_params, Patches(spatial=4, temporal=2)).eval()
    model = make_model()
    model.start_from(proxy)
    codes = proxy.encode(clips(2))  # (2, 5, 16)
    digits = model.proxy_codes.digits(codes)
    parts = [torch.nn.functional.one_hot(digits[..., i], count) for i, count in enumerate((4, 5))]
    certain = 1e4 * torch.cat(parts, dim=-1).float()
    with torch.no_grad():  # sure of the proxy's codes, the model shows the proxy's clip
        assert torch.allclose(model.pixels(certain).clamp(-1, 1), proxy.decode(codes), atol=1e-5)
        assert model.proxy_codes.accuracy(certain, codes) == 1
        assert torch.equal(model.features(clips(2)), proxy.encoder(clips(2)))


def test_words_of_tokens(models, clips, codebook):
    model = models["decoupled"]
    tokens = model.encode(clips(2))
    words = model.words(tokens)
    part = dict(zip(codebook.words, codebook.part_of_speech, strict=True))
    assert [len(clip) for clip in words] == [20, 20]
    assert {part[word] for word in words[0][:4]} <= {"adjective", "noun"}
    assert {part[word] for word in words[0][4:]} <= {"adverb", "verb"}
    assert words[1][2] == model.quantizers["spatial"].words[tokens[1, 2]]
    composed = models["decoupled, composed"]
    phrase = composed.words(composed.encode(clips(1)))[0][7].split()
    assert [part[word] for word in phrase] == ["adverb", "adverb", "verb"]
    with pytest.raises(ValueError, match="learned"):
        models["decoupled, learned"].words(tokens)


@pytest.mark.parametrize(
    "clip, named",
    [
        (torch.zeros(1, 3, 5, 16, 16), r"9 .*16x16.*\(5, 16, 16\)"),
        (torch.zeros(1, 3, 9, 8, 8), r"16x16.*\(9, 8, 8\)"),
        (torch.zeros(1, 3, 8, 16, 16), "time 8"),
        (torch.full((1, 3, 9, 16, 16), 255.0), "255"),
        (torch.zeros(3, 9, 16, 16), r"\(3, 9, 16, 16\)"),
        (torch.zeros(1, 3, 9, 16, 16, dtype=torch.uint8), "uint8"),
    ],
)
def test_what_cannot_be_encoded_is_refused(models, clip, named):
    with pytest.raises(ValueError, match=named):
        models["decoupled"].encode(clip)


@pytest.mark.parametrize("count", [0, 3, 19, 21])
def test_wrong_number_of_tokens(models, count):
    with pytest.raises(ValueError, match=f"4 or 20 .* {count}$"):
        models["decoupled"].decode(torch.zeros(1, count, dtype=torch.int64))


@pytest.mark.parametrize("place", [0, 12])
@pytest.mark.parametrize("index", [-1, 40])
def test_index_outside_the_vocabulary(models, place, index):
    tokens = torch.zeros(1, 20, dtype=torch.int64)
    tokens[0, place] = index
    with pytest.raises(ValueError, match=rf"\[\d+, \d+\).*{index}"):
        models["decoupled"].decode(tokens)


def test_absent_folder(tmp_path):
    with pytest.raises(InputError, match="config.json .*exist.*`dvc repro`"):
        VideoTokenizer.load(tmp_path)


def test_damaged_or_foreign_folder(models, tmp_path):
    models["decoupled"].save(tmp_path / "model")
    weights, config = tmp_path / "model" / "model.safetensors", tmp_path / "model" / "config.json"
    good = weights.read_bytes()
    weights.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(InputError, match="model.safetensors .*damaged"):
        VideoTokenizer.load(tmp_path / "model")
    weights.unlink()
    with pytest.raises(InputError, match="model.safetensors .*exist"):
        load_checked(weights, "0" * 64)
    for foreign in ({"format": 99}, {"format": 1, "sha256": "0" * 64}, []):
        config.write_text(json.dumps(foreign))
        with pytest.raises(InputError, match="config.json .*format"):
            VideoTokenizer.load(tmp_path / "model")
    config.write_text("{")
    with pytest.raises(InputError, match="config.json .*JSON"):
        VideoTokenizer.load(tmp_path / "model")


def test_saving_replaces_the_folder_whole(models, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").write_text("x")
    models["decoupled"].save(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "codebook",
        "config.json",
        "model.safetensors",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    "overrides", [{}, {"temporal_queries": "global"}, {"temporal_queries": "per_frame"}, {"architecture": "coupled"}]
)
def test_a_model_of_images_has_spatial_tokens_alone(codebook, proxy_params, tokenizer_of, clips, tmp_path, overrides):
    torch.manual_seed(0)
    model = VideoTokenizer(tokenizer_of(**overrides), Patches(spatial=4, temporal=2), proxy_params, (1, 16), codebook)
    image = clips(3)[:, :, :1]
    coded, logits = model.eval()(image)
    assert model.groups == {"spatial": 4} and set(model.parts()) == set(get_args(Part))
    assert coded.tokens.shape == (3, 4) and logits.shape == (3, 1, 16, 4 + 5)
    model.save(tmp_path / "model")
    assert torch.equal(VideoTokenizer.load(tmp_path / "model").reconstruct(image), model.reconstruct(image))
    with pytest.raises(ValueError, match=" 4 .* 20$"):
        model.decode(torch.zeros(1, 20, dtype=torch.int64))


@pytest.mark.parametrize("name", [name for name in MODELS if not name.startswith("downsample")])
@pytest.mark.parametrize("frames", [1, 3, 5, 11, 33])
def test_other_lengths_in_one_go(models, clips, name, frames):
    model = models[name]
    video = torch.cat([clips(2, seed) for seed in range(4)], dim=2)[:, :, :frames]
    tokens = model.at_length(frames).encode(video)
    assert tokens.shape[1] == (4 if frames == 1 else 20)
    assert model.at_length(frames).decode(tokens).shape == video.shape
    assert model.frames == 9


@pytest.mark.parametrize("name", MODELS)
def test_its_own_length_changes_nothing(models, clips, name):
    model, clip = models[name], clips(2, seed=5)
    assert torch.equal(model.at_length(9).reconstruct(clip), model.reconstruct(clip))


@pytest.mark.parametrize("name", ["decoupled", "decoupled, global, consecutive", "coupled"])
def test_all_of_a_longer_clip_is_coded_and_shown(models, clips, name):
    """Each latent frame moves some token, and each later frame of the answer depends on the temporal tokens."""
    model = models[name].at_length(33)
    video = torch.cat([clips(1, seed) for seed in range(4)], dim=2)[:, :, :33]
    with torch.no_grad():
        z = model.backbone.encode(model.features(video))[1]
        for latent in range(16):
            other = video.clone()
            other[:, :, 1 + 2 * latent : 3 + 2 * latent] = 0.0
            assert not torch.allclose(model.backbone.encode(model.features(other))[1], z, atol=1e-6)
        quantized = model.code(video)
        shown = [model.backbone.decode(quantized.spatial.z_q, zq, 17) for zq in (quantized.temporal.z_q, z)]
    assert (shown[0] - shown[1]).abs().amax(dim=(0, 1, 3, 4))[1:].gt(1e-6).all()


def test_a_model_at_another_length_shares_its_weights_and_is_saved_as_itself(models, clips, tmp_path):
    model = models["decoupled"]
    longer = model.at_length(33)
    assert [p.data_ptr() for p in longer.parameters()] == [p.data_ptr() for p in model.parameters()]
    longer.save(tmp_path / "model")
    loaded = VideoTokenizer.load(tmp_path / "model")
    assert loaded.frames == 9
    video = torch.cat([clips(1, seed) for seed in range(4)], dim=2)[:, :, :33]
    assert torch.equal(loaded.at_length(33).encode(video), longer.encode(video))


@pytest.mark.parametrize("frames", [0, -1, 2, 10])
def test_impossible_lengths(models, frames):
    with pytest.raises(ValueError, match=rf"1 \+ k \* 2.* {frames}$"):
        models["decoupled"].at_length(frames)


def test_lengths_that_a_model_cannot_have(models, codebook, proxy_params, tokenizer_of):
    with pytest.raises(ValueError, match="down-sampling"):
        models["downsample"].at_length(11)
    image = VideoTokenizer(tokenizer_of(), Patches(spatial=4, temporal=2), proxy_params, (1, 16), codebook)
    with pytest.raises(ValueError, match="1 frames .*9 frames"):
        image.at_length(9)
