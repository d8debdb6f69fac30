"""SweetTok: the same numbers as the network's, of what people have at hand; folders and the hub; files."""

import shutil
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from sweettok import SweetTok, VideoTokens
from sweettok.api.folder import MODEL_FILES, SUMS
from sweettok.api.frames import open_frames, to_square, windows_of
from sweettok.errors import InputError
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Patches
from sweettok.storage import read_sealed, sha256_of, write_sealed
from sweettok.video.store import to_float, to_uint8


@pytest.fixture(scope="module")
def saved(tok, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    tok.save_pretrained(folder)
    return folder


@pytest.fixture
def own(saved, tmp_path):
    """A copy to damage."""
    return shutil.copytree(saved, tmp_path / "own")


def test_the_network_s_own_numbers(tok, clips):
    clip = clips(3, seed=5)
    tokens = tok.encode(clip)
    assert torch.equal(tokens, tok.model.encode(clip)) and tokens.dtype == torch.int64
    assert torch.equal(tok.decode(tokens), tok.model.decode(tokens))
    assert torch.equal(tok.reconstruct(clip), tok.model.reconstruct(clip))
    assert torch.equal(tok.decode(tokens.numpy()), tok.decode(tokens))


def test_a_model_in_training_mode_codes_nothing(saved, clips):
    """Encoding would move the statistics of its quantisers: other tokens from then on."""
    own = SweetTok.from_pretrained(saved)
    before = {name: value.clone() for name, value in own.model.state_dict().items()}
    own.model.train()
    with pytest.raises(ValueError, match=r"training mode.*eval\(\)"):
        own.encode(clips(1))
    assert all(torch.equal(value, before[name]) for name, value in own.model.state_dict().items())


def test_forms_of_a_clip_agree(tok, clips):
    clip = to_float(to_uint8(clips(2)))
    frames, expected = to_uint8(clip), tok.encode(clip)
    for form in (clip.double(), clip.numpy(), frames, torch.from_numpy(frames)):
        assert torch.equal(tok.encode(form), expected)
    assert torch.equal(tok.encode(clip[0]), expected[:1]) and torch.equal(tok.encode(frames[0]), expected[:1])


def test_images(tok, scene):
    frame = scene(1, 16, 16)[0]
    expected = tok.encode(to_float(frame[None, None]))
    assert expected.shape == (1, 4) and tok.decode(expected).shape == (1, 3, 1, 16, 16)
    assert torch.equal(tok.encode(frame), expected) and torch.equal(tok.encode(Image.fromarray(frame)), expected)


def test_frames_of_any_size_are_cropped_as_in_training(tok, scene):
    frames = scene(9, 40, 64)
    square = np.stack([to_square("crop", 16)(frame) for frame in frames])
    assert torch.equal(tok.encode(frames), tok.encode(square))


@pytest.mark.parametrize(
    "clip, named",
    [
        (np.zeros((5, 16, 16, 3), np.uint8), "1 or 9 .*5; encode_video"),
        (np.zeros((9, 16, 16, 4), np.uint8), "uint8 frames"),
        (np.zeros((0, 16, 16, 3), np.uint8), "uint8 frames"),
        (torch.zeros(1, 3, 9, 8, 8), "16x16"),
        (torch.full((1, 3, 9, 16, 16), 200.0), "200"),
        (torch.zeros(16, 16), r"float32 \(16, 16\)"),
        (np.zeros((2, 20), np.int32), r"floats .*int32 \(2, 20\)"),
        (torch.zeros(1, 3, 9, 16, 16, dtype=torch.int64), "floats .*int64"),
        (0.5, "floats"),
        (None, "array of numbers, got NoneType of object"),
        (np.array([None, 1]), "array of numbers, got ndarray of object"),
        ("clip.mp4", "array of numbers, got str of "),
        ([[1, 2], [3]], "several lengths"),
        (np.zeros((9, 16, 16, 3), complex), "array of numbers, got ndarray of complex128"),
    ],
)
def test_what_cannot_be_encoded(tok, clip, named):
    with pytest.raises(ValueError, match=named):
        tok.encode(clip)


def test_arrays_in_any_memory_order_are_encoded(tok, scene):
    clip = to_float(scene(9, 16, 16)[None]).numpy()
    expected = tok.encode(clip)
    for same in (np.flip(np.flip(clip, -1).copy(), -1), clip.astype(">f4"), np.asfortranarray(clip)):
        assert torch.equal(tok.encode(same), expected)


@pytest.mark.parametrize(
    "tokens",
    [
        torch.zeros(1, 20), torch.zeros(20, dtype=torch.int64), torch.full((1, 20), 99), torch.ones(1, 20, dtype=torch.bool),
        None, [None], np.array([[None] * 20]), "words", [[1, 2], [3]],
    ],
)  # fmt: skip
def test_what_cannot_be_decoded(tok, tokens):
    with pytest.raises(ValueError, match="expected"):
        tok.decode(tokens)


def test_words(tok, clips):
    clip = clips(2)
    words = tok.words(clip)
    assert words == tok.words(tok.encode(clip)) == tok.words(tok.encode(clip).numpy())
    assert [clip["spatial"] + clip["temporal"] for clip in words] == tok.model.words(tok.encode(clip))
    assert set(tok.words(clip[:, :, :1])[0]) == {"spatial"}


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint16, np.int64])
def test_words_of_tokens_of_any_integer_type(tok, clips, dtype):
    tokens = tok.encode(clips(2)).numpy()
    assert tok.words(tokens.astype(dtype)) == tok.words(clips(2)) == tok.words(tokens.tolist())


@pytest.mark.parametrize("tokens", [[3] * 20, [[0] * 19], [[99] * 20], [[-1] * 20]])
def test_what_has_no_words(tok, tokens):
    with pytest.raises(ValueError, match="expected"):
        tok.words(tokens)


def test_floats_that_look_like_0_to_1_are_warned_of(tok, clips):
    bright = torch.rand(1, 3, 9, 16, 16, generator=torch.Generator().manual_seed(0))
    with pytest.warns(UserWarning, match=r"\[0, 1\]"):
        tok.encode(bright)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tok.encode(clips(1))
        tok.encode(np.full((9, 16, 16, 3), 200, np.uint8) + np.arange(3, dtype=np.uint8))  # a bright film may be right


@pytest.fixture
def cpu(monkeypatch):
    """What the CPU can do -> that torch tells it."""
    return lambda **found: monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)


@pytest.mark.parametrize(("feature", "dtype"), [("avx512_f", torch.float32), ("amx_bf16", torch.bfloat16)])
def test_bfloat16_is_for_a_cpu_that_has_it(make_model, cpu, caplog, feature, dtype):
    cpu(**{feature: True})
    tok = SweetTok(make_model(), dtype=torch.bfloat16)
    assert tok.dtype == tok.model.to_logits.weight.dtype == dtype
    assert ("computing in float32" in caplog.text) == (dtype == torch.float32)


def test_lower_precision_keeps_the_contract(make_model, clips, cpu):
    cpu(avx512_bf16=True)
    half = SweetTok(make_model(), dtype=torch.bfloat16)
    clip = clips(4)
    tokens = half.encode(clip)
    reconstructed = half.decode(tokens)
    assert (
        reconstructed.dtype == torch.float32
        and reconstructed.abs().max() <= 1
        and torch.equal(half.reconstruct(clip), reconstructed)
    )
    assert (tokens == SweetTok(make_model()).encode(clip)).float().mean() > 0.8  # close calls may fall the other way


def test_rounded_weights_compute_what_autocast_computes(make_model, clips, cpu):
    """Half the memory, the same numbers; the model is still known by the weights that were rounded."""
    cpu(avx512_bf16=True)
    half, whole = SweetTok(make_model(), dtype=torch.bfloat16), make_model()
    with torch.autocast("cpu", torch.bfloat16):
        expected = whole.decode(whole.encode(clips(2)))
    assert torch.equal(half.reconstruct(clips(2)), expected.float())
    assert half.model.to_logits.weight.dtype == torch.bfloat16 and half.model_id == SweetTok(whole).model_id
    assert {p.dtype for p in half.model.quantizers.parameters()} == {torch.float32}


def test_rounded_weights_are_not_saved(make_model, tmp_path, cpu):
    cpu(avx512_bf16=True)
    with pytest.raises(InputError, match="float32"):
        SweetTok(make_model(), dtype=torch.bfloat16).save_pretrained(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_devices_and_dtypes_that_are_not_there(make_model):
    with pytest.raises(InputError, match="device 'nonsense' "):
        SweetTok(make_model(), device="nonsense")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="device 'cuda' .*cpu"):
            SweetTok(make_model(), device="cuda")
    with pytest.raises(InputError, match="dtype torch.int8"):
        SweetTok(make_model(), dtype=torch.int8)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_an_accelerator_results_stay_there_and_files_decode_on_both(make_model, clips):
    cpu, gpu = SweetTok(make_model()), SweetTok(make_model(), device="cuda")
    tokens = gpu.encode(clips(4))
    assert tokens.is_cuda and gpu.decode(tokens).is_cuda
    assert torch.allclose(gpu.decode(tokens).cpu(), cpu.decode(tokens.cpu()), atol=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 9, 10, 40])
@pytest.mark.parametrize("overrides", [{}, {"lookup": "composed"}, {"quantizer": "learned"}])
def test_a_video_of_any_length_is_the_chain_of_its_windows(make_model, scene, write_video, tmp_path, frames, overrides):
    tok, shot = SweetTok(make_model(**overrides)), scene(frames, 16, 24)
    tokens = tok.encode_video(write_video(tmp_path / "a.mkv", shot))
    windows = windows_of(shot[:, :, 4:20], 9 if frames > 1 else 1)
    expected = to_uint8(tok.model.reconstruct(to_float(windows))).reshape(-1, 16, 16, 3)[:frames]
    tokens.save(tmp_path / "a.swt")
    decoded = np.stack(list(tok.decode_video(VideoTokens.load(tmp_path / "a.swt"))))
    assert np.array_equal(decoded, expected) and (tokens.frames, tokens.height, tokens.width) == (frames, 16, 24)


@pytest.mark.parametrize("fit, shape", [("crop", (20, 20)), ("stretch", (20, 30))])
def test_back_in_the_original_size(tok, scene, write_video, tmp_path, fit, shape):
    tokens = tok.encode_video(write_video(tmp_path / "a.mkv", scene(9, 20, 30)), fit)
    decoded = list(tok.decode_video(tokens, original_size=True))
    assert len(decoded) == 9 and {frame.shape for frame in decoded} == {(*shape, 3)}


def test_bits_are_those_of_the_reports(tok, scene, write_video, tmp_path):
    from sweettok.metrics.reconstruction import code_size

    tokens = tok.encode_video(write_video(tmp_path / "a.mkv", scene(18)))
    assert tokens.entropy_bits == pytest.approx(2 * code_size(tok.model)["bits"])


def test_tokens_of_another_model_are_refused(make_model, scene, write_video, tmp_path):
    one, two = SweetTok(make_model()), SweetTok(make_model(quantizer="learned"))
    tokens = one.encode_video(write_video(tmp_path / "a.mkv", scene(9)))
    with pytest.raises(InputError, match=f"{one.model_id[:12]}, .*{two.model_id[:12]}"):
        list(two.decode_video(tokens))


def test_a_model_of_images_takes_every_frame(codebook, proxy_params, tokenizer_of, scene, write_video, tmp_path):
    torch.manual_seed(0)
    model = VideoTokenizer(tokenizer_of(), Patches(spatial=4, temporal=2), proxy_params, (1, 16), codebook)
    tok = SweetTok(model)
    tokens = tok.encode_video(write_video(tmp_path / "a.mkv", scene(5)))
    assert tokens.indices.shape == (5, 4, 1) and len(list(tok.decode_video(tokens))) == 5


def test_a_saved_folder_is_whole_and_gives_the_same_model(tok, saved, clips, tmp_path):
    assert sorted(str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()) == sorted(
        [*MODEL_FILES, SUMS, "README.md"]
    )
    loaded = SweetTok.from_pretrained(saved)
    assert loaded.model_id == tok.model_id == sha256_of(saved / "model.safetensors")
    assert torch.equal(loaded.encode(clips(2)), tok.encode(clips(2)))
    loaded.save_pretrained(tmp_path / "again")
    assert (tmp_path / "again" / SUMS).read_bytes() == (saved / SUMS).read_bytes()


def test_what_the_pipeline_writes_is_read(tok, clips, tmp_path):
    tok.model.save(tmp_path / "pixels")
    (tmp_path / "pixels" / "history.csv").write_text("step\n")
    loaded = SweetTok.from_pretrained(str(tmp_path / "pixels"))
    assert loaded.model_id == tok.model_id and torch.equal(loaded.encode(clips(1)), tok.encode(clips(1)))
    with pytest.raises(InputError, match=r"pixels .*history\.csv"):
        loaded.save_pretrained(tmp_path / "pixels")


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_flipped_byte_in_any_file_is_noticed(own, name):
    content = bytearray((own / name).read_bytes())
    content[len(content) // 2] ^= 1
    (own / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} .*damaged"):
        SweetTok.from_pretrained(own)


@pytest.mark.parametrize("name", MODEL_FILES)
@pytest.mark.parametrize("with_sums", [True, False])
def test_an_absent_file_is_named(own, name, with_sums):
    (own / name).unlink()
    if not with_sums:
        (own / SUMS).unlink()
    with pytest.raises(InputError, match=f"{name} .*exist"):
        SweetTok.from_pretrained(own)


@pytest.mark.parametrize(
    "change, named",
    [
        (lambda config: config.update(format=99), "model format"),
        (lambda config: config.pop("tokenizer"), "complete model"),
        (lambda config: config["tokenizer"].update(width=32), "complete model"),
        (lambda config: config["tokenizer"].update(novel=1), "complete model"),
        (lambda config: config.update(clip=["a", "b"]), "complete model"),
    ],
)
def test_a_config_of_something_else(own, change, named):
    (own / SUMS).unlink()
    config = read_sealed(own / "config.json")
    change(config)
    write_sealed(own / "config.json", config)
    with pytest.raises(InputError, match=named):
        SweetTok.from_pretrained(own)


@pytest.mark.parametrize("name", ["./none", "../none", "/none/at/all"])
def test_a_path_that_is_no_folder_never_asks_the_hub(name, monkeypatch):
    monkeypatch.setattr("huggingface_hub.hub_mixin.hf_hub_download", lambda **_: pytest.fail("asked the hub"))
    with pytest.raises(InputError, match=f"{name} .*folder"):
        SweetTok.from_pretrained(name)


@pytest.mark.parametrize("name", ["someone/none", "not a name/at all"])
def test_without_network_the_hub_s_refusal_is_one_line(name, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=f"{name}, .*hub") as refused:
        SweetTok.from_pretrained(name, cache_dir=tmp_path)
    assert len(str(refused.value).splitlines()) == 1


def test_from_the_hub_s_cache(tok, saved, monkeypatch, tmp_path, clips):
    """As after a download: the hub's cache layout, and no network."""
    snapshot = tmp_path / "models--someone--sweettok" / "snapshots" / ("a" * 40)
    shutil.copytree(saved, snapshot)
    refs = tmp_path / "models--someone--sweettok" / "refs"
    refs.mkdir()
    (refs / "main").write_text("a" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    loaded = SweetTok.from_pretrained("someone/sweettok", cache_dir=tmp_path)
    assert torch.equal(loaded.encode(clips(2)), tok.encode(clips(2)))


class Hub:
    """What the mixin asks of the hub's API; uploads stay here."""

    def __init__(self, token=None):
        self.token = token

    def create_repo(self, repo_id, **options):
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(self, repo_id, folder_path, **options):
        files = (path for path in folder_path.rglob("*") if path.is_file())
        pushed = {str(path.relative_to(folder_path)): path.read_bytes() for path in files}
        return SimpleNamespace(repo_id=repo_id, files=pushed, options=options, token=self.token)


@pytest.mark.parametrize("way", ["push", "save"])
def test_what_is_pushed_is_what_is_saved(tok, saved, monkeypatch, tmp_path, way):
    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Hub)
    options = {"token": "secret", "branch": "draft", "commit_message": "First", "private": True}
    if way == "push":
        commit = tok.push_to_hub("someone/sweettok", **options)
    else:
        commit = tok.save_pretrained(tmp_path / "m", repo_id="someone/sweettok", push_to_hub=True, **options)
    assert commit.repo_id == "someone/sweettok" and commit.token == "secret"
    assert commit.options["revision"] == "draft" and commit.options["commit_message"] == "First"
    local = {str(path.relative_to(saved)): path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    assert commit.files == local


def test_a_real_clip(tok, real_samples):
    path = sorted((real_samples("weizmann")).glob("*/*.mp4"))[0]
    source = open_frames(path)
    tokens = tok.encode_video(path)
    assert (tokens.frames, tokens.height, tokens.width) == (source.frames, 64, 64)
    assert len(list(tok.decode_video(tokens))) == source.frames
