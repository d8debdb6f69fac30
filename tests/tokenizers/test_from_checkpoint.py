"""Other projects' tokenizers behind the protocol: what their code gave is what comes out, and sizes are the papers'."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import stand_in_peers as peers
import torch

from sweettok.cli import main
from sweettok.errors import InputError
from sweettok.params import Metrics, TokenizerEntry
from sweettok.tokenizers.base import ClipTokenizer
from sweettok.tokenizers.registry import open_tokenizer
from sweettok.video.store import to_float

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TorchScript
NAMES = ("cosmos", "omnitokenizer", "larp", "titok", "vidtok")
every_peer = pytest.mark.parametrize("name", NAMES)

# What the networks of the tapes were made with
TAPED = {
    "omnitokenizer": {"resolution": 8, "patch_size": 2, "n_codes": 32, "enc_block": "tw", "twod_window_size": 2},
    "larp": {
        "bottleneck": {"args": {"regularizer": {"name": "vq", "args": {"codebook_size": 64}}}}, "prior_model": {},
        "bottleneck_token_num": 6, "frame_num": 4, "input_size": 16,
    },
    "titok": {
        "model": {"vq_model": {"num_latent_tokens": 5, "codebook_size": 64, "is_legacy": False}},
        "dataset": {"preprocessing": {"crop_size": 16}},
    },
    "vidtok": peers.VIDTOK | {"params": peers.VIDTOK["params"] | {"regularizer_config": {
        "target": "vidtok.modules.regularizers.FSQRegularizer", "params": {"levels": [8, 5, 5]}}}},
}  # fmt: skip
CODES = {"cosmos": 64_000, "omnitokenizer": 32, "larp": 64, "titok": 64, "vidtok": 200}


def opened(name, options, frames, size):
    entry = {"factory": f"sweettok.tokenizers.{name}:from_checkpoint"} | options
    return open_tokenizer("mine", {"mine": TokenizerEntry.model_validate(entry)}, frames, size)


@pytest.fixture
def taped(tmp_path):
    """Name -> its tokenizer on the stand-in, and the tape."""

    def make(name):
        tape = peers.tape_of(name)
        frames, size = tape["clip"].shape[:2]
        return opened(name, peers.published(name, tmp_path, TAPED.get(name), tape), frames, size), tape

    return make


@every_peer
def test_it_does_what_the_authors_code_did(taped, name):
    tokenizer, tape = taped(name)
    assert isinstance(tokenizer, ClipTokenizer) and tokenizer.name == "mine"
    tokens = tokenizer.encode(to_float(tape["clip"][None]))
    assert tokens.dtype == torch.int64 and tokens.tolist() == [tape["indices"].flatten().tolist()]
    assert tokenizer.bits_per_clip == pytest.approx(tokens.numel() * math.log2(CODES[name]))
    decoded = tokenizer.decode(tokens)
    torch.testing.assert_close(decoded, torch.from_numpy(2 * tape["shown"] - 1), rtol=0, atol=1e-5)
    assert tape["shown"].std() > 0.1, "a tape of nearly nothing"


@every_peer
def test_a_batch_gives_what_each_clip_gives(taped, name):
    tokenizer, tape = taped(name)
    clips = to_float(np.stack([tape["clip"]] * 2))
    tokens = tokenizer.encode(clips)
    assert len(tokens) == 2 and torch.equal(tokens[0], tokens[1])
    assert tokenizer.decode(tokens).shape == clips.shape


@every_peer
def test_bad_clips_and_tokens_are_named(taped, name):
    tokenizer, tape = taped(name)
    clip = to_float(tape["clip"][None])
    with pytest.raises(ValueError, match=r"\[-1, 1\], got .*; scale"):
        tokenizer.encode(clip * 255)
    with pytest.raises(ValueError, match=r"mine: expected clips of"):
        tokenizer.encode(clip[:, :, :1])
    tokens = tokenizer.encode(clip)
    with pytest.raises(ValueError, match=rf"mine: expected tokens \(B, {tokens.shape[1]}\)"):
        tokenizer.decode(tokens[:, 1:])
    with pytest.raises(ValueError, match=rf"mine: tokens must be in \[0, {CODES[name]}\)"):
        tokenizer.decode(tokens + CODES[name])


VQ_8K = {
    "model": {
        "vq_model": {"num_latent_tokens": 64, "codebook_size": 8192, "finetune_decoder": False, "is_legacy": False}
    },
    "dataset": {"preprocessing": {"crop_size": 256}},
}


def vidtok(levels, kind="causal", **encoder):
    settings = json.loads(json.dumps(peers.VIDTOK))
    config = settings["params"]["encoder_config"]
    config["target"] = f"vidtok.modules.model_3d{kind}.Encoder"
    config["params"] |= encoder
    settings["params"]["regularizer_config"]["params"]["levels"] = levels
    return settings


def titok(tokens):
    return peers.TITOK | {"model": {"vq_model": {"num_latent_tokens": tokens, "codebook_size": 4096}}}


@pytest.mark.parametrize(
    ("name", "settings", "options", "clip", "tokens", "bits"),
    [
        ("omnitokenizer", None, {}, (17, 256), 5120, 66_560),
        ("omnitokenizer", None, {}, (1, 256), 1024, 13_312),
        ("larp", None, {}, (16, 128), 1024, 13_312),
        ("titok", titok(32), {}, (1, 256), 32, 384),
        ("titok", titok(64), {}, (1, 256), 64, 768),
        ("titok", titok(128), {}, (1, 256), 128, 1536),
        ("titok", VQ_8K, {}, (17, 256), 17 * 64, 17 * 64 * 13),
        ("vidtok", vidtok([8] * 6), {}, (17, 256), 5120, 5120 * 18),
        ("vidtok", vidtok([8] * 5), {}, (17, 256), 5120, 5120 * 15),
        ("vidtok", vidtok([8] * 4), {}, (17, 256), 5120, 5120 * 12),
        ("vidtok", vidtok([8] * 6, ch_mult=[1, 2, 4, 4, 4]), {}, (17, 256), 1280, 1280 * 18),
        ("vidtok", vidtok([8] * 6, "noncausal"), {}, (16, 256), 4096, 4096 * 18),
        ("vidtok", vidtok([8] * 5, time_downsample_factor=8), {}, (17, 256), 3072, 3072 * 15),
        (
            "vidtok",
            vidtok([8] * 5) | {"target": "vidtok.models.autoencoder_v1_1.AutoencodingEngine"},
            {},
            (18, 256),
            5120,
            5120 * 15,
        ),
        ("cosmos", None, {}, (17, 256), 5120, 5120 * math.log2(64_000)),
        ("cosmos", None, {"compression": [8, 8, 8]}, (17, 256), 3072, 3072 * math.log2(64_000)),
        ("cosmos", None, {"compression": [8, 16, 16]}, (17, 256), 768, 768 * math.log2(64_000)),
        ("cosmos", None, {}, (33, 256), 10240, 10240 * math.log2(64_000)),  # 17 + 16 frames, the latter padded to 17
    ],
)
def test_tokens_and_bits_are_those_of_the_papers(tmp_path, name, settings, options, clip, tokens, bits):
    tokenizer = opened(name, peers.published(name, tmp_path, settings) | options, *clip)
    assert math.prod(tokenizer.grid) == tokens and tokenizer.bits_per_clip == pytest.approx(bits)


@pytest.mark.parametrize(
    ("name", "clip", "named"),
    [
        ("omnitokenizer", (16, 256), "16 frames, .* 1 . a multiple of 4; .*--frames 13"),
        ("omnitokenizer", (17, 200), "200x200, .*multiple of 64; .*--size 192"),
        ("larp", (17, 128), "16x128x128, not of 17x128x128; .*--frames 16"),
        ("larp", (16, 256), "16x128x128, not of 16x256x256; .*--size 128"),
        ("titok", (1, 128), "1x256x256, not of 1x128x128; .*--size 256"),
        ("vidtok", (16, 256), "16 frames, .* 1 . a multiple of 4; .*--frames 13"),
        ("vidtok", (17, 20), "20x20, .*multiple of 8; .*--size 16"),
    ],
)
def test_a_length_or_size_that_it_does_not_take_is_named(tmp_path, name, clip, named):
    with pytest.raises(InputError, match=f"tokenizers.mine: .*{named}"):
        opened(name, peers.published(name, tmp_path), *clip)


PAPERS_CLIP = {
    "cosmos": (17, 256),
    "omnitokenizer": (17, 256),
    "larp": (16, 128),
    "titok": (1, 256),
    "vidtok": (17, 256),
}
NO_NETWORKS = Metrics(extractors=(), perceptual=(), protocols=("own",), weights={}, sizes=())
WRONG = "0" * 64


@every_peer
def test_a_file_that_is_absent_or_another_is_named(tmp_path, name):
    options = peers.published(name, tmp_path)
    file = "encoder" if name == "cosmos" else "weights"

    def with_sha256(sha256):
        return options | {"sha256": {**options["sha256"], file: sha256} if name == "cosmos" else sha256}

    for changed, named in (
        (options | {file: str(tmp_path / "none.pt")}, r"none.pt does not exist; .*path"),
        (options | {file: str(tmp_path)}, r"is a folder; .*path"),
        (with_sha256(WRONG), f"has sha256 .*, expected {WRONG}; get the file again"),
        (with_sha256(None), r"sha256 is missing; .* state sha256: [0-9a-f]{64}"),
    ):
        with pytest.raises(InputError, match=f"tokenizers.mine: .*{named}") as caught:
            opened(name, changed, *PAPERS_CLIP[name])
        assert "\n" not in str(caught.value)


with_source = pytest.mark.parametrize("name", NAMES[1:])


@with_source
def test_a_folder_that_is_no_checkout_is_named(tmp_path, name):
    options = peers.published(name, tmp_path) | {"source": str(tmp_path / "none")}
    with pytest.raises(InputError, match=r"none has no folder .*; .*git clone https://github.com/"):
        opened(name, options, *PAPERS_CLIP[name])


@with_source
def test_a_missing_package_is_named(tmp_path, name):
    options = peers.published(name, tmp_path)
    (module,) = (path for path, code in peers.MODULES[name].items() if "class Tape" in code)
    path = tmp_path / "checkout" / module
    path.write_text("import no_such_package.part\n" + path.read_text())
    with pytest.raises(InputError, match=r"needs no-such-package, which is not installed; pip install no-such-package"):
        opened(name, options, *PAPERS_CLIP[name])


@with_source
def test_other_weights_are_named(tmp_path, name):
    """Of a network of another size, with nothing loaded in part."""
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    options = peers.published(name, tmp_path)
    other = peers.published(name, other_folder, tape=peers.EMPTY | {"made": np.zeros(2)})
    changed = {key: other[key] for key in ("weights", "sha256")}
    if name in ("larp", "titok"):
        changed["config"] = str(tmp_path / "config.json")
    if name == "omnitokenizer":
        changed["config"] = {"shapes": {"given": [1], "indices": [1], "made": [1]}}
    with pytest.raises(InputError, match=r"these are not the weights of .*made is \(2,\), not \(1,\)"):
        opened(name, options | changed, *PAPERS_CLIP[name])


@pytest.mark.parametrize(
    ("name", "settings", "named"),
    [
        ("omnitokenizer", {"use_vae": True}, "a VAE, which has no tokens; .*VQVAE"),
        ("titok", titok(32) | {"model": {"vq_model": {"quantize_mode": "vae"}}}, "a VAE, which has no tokens"),
        ("titok", titok(32) | {"model": {"vq_model": {"finetune_decoder": False}}}, "predicts codes and no pixels"),
        ("larp", peers.LARP | {"bottleneck": {"args": {"regularizer": {"name": "skl"}}}}, "'skl', which has no tokens"),
        (
            "vidtok",
            peers.VIDTOK
            | {"params": peers.VIDTOK["params"] | {"regularizer_config": {"target": "a.DiagonalGaussian"}}},
            "DiagonalGaussian has no tokens; .*fsq",
        ),
    ],
)
def test_a_model_without_tokens_is_named(tmp_path, name, settings, named):
    with pytest.raises(InputError, match=named):
        opened(name, peers.published(name, tmp_path, settings), *PAPERS_CLIP[name])


@every_peer
def test_a_fingerprint_is_of_weights_and_settings(tmp_path, name):
    options = peers.published(name, tmp_path)
    first = opened(name, options, *PAPERS_CLIP[name]).fingerprint
    assert opened(name, options, *PAPERS_CLIP[name]).fingerprint == first
    tape = {key: value + 1 for key, value in peers.EMPTY.items()}
    assert opened(name, peers.published(name, tmp_path, tape=tape), *PAPERS_CLIP[name]).fingerprint != first


@with_source
def test_a_fingerprint_is_of_the_code_too(tmp_path, name):
    options = peers.published(name, tmp_path)
    first = opened(name, options, *PAPERS_CLIP[name]).fingerprint
    (module,) = (path for path, code in peers.MODULES[name].items() if "class Tape" in code)
    with (tmp_path / "checkout" / module).open("a") as file:
        file.write("\nCHANGED = True\n")
    assert opened(name, options, *PAPERS_CLIP[name]).fingerprint != first


@every_peer
def test_evaluate_measures_it_on_a_folder(taped, tmp_path, monkeypatch, capsys, write_video, name):
    """The command, on a film of the tape's frames."""
    tape = peers.tape_of(name)
    frames, size = tape["clip"].shape[:2]
    options = peers.published(name, tmp_path, TAPED.get(name), tape)
    entry = {"factory": f"sweettok.tokenizers.{name}:from_checkpoint"} | options
    mine = SimpleNamespace(tokenizers={"mine": TokenizerEntry.model_validate(entry)}, metrics=NO_NETWORKS)
    assert mine.tokenizers["mine"].pretrained  # its row of the report stands in the block of checkpoints
    monkeypatch.chdir(tmp_path)  # where no trained judge is
    monkeypatch.setattr("sweettok.commands.evaluate.params_here", lambda: mine)
    write_video(tmp_path / "clips" / "a.mkv", tape["clip"])
    command = ["evaluate", "--tokenizer", "mine", "--clips", str(tmp_path / "clips"), "--metrics", "psnr", "--json"]
    main([*command, "--frames", str(frames), "--size", str(size)])
    found = json.loads(capsys.readouterr().out)
    error = np.square(tape["clip"].transpose(3, 0, 1, 2) / 255 - tape["shown"][0]).mean()
    assert found["metrics"]["psnr"]["value"] == pytest.approx(-10 * math.log10(error), abs=1e-3)
    assert found["tokenizer"]["tokens"] == tape["indices"].size
