"""The adapters against other projects' real code, with random weights. Needs their checkouts and packages:

    SWEETTOK_PEERS=FOLDER pytest tests/tokenizers/test_real_peers.py

FOLDER holds Cosmos-Tokenizer, OmniTokenizer, LARP, 1d-tokenizer, VidTok and SweetTok (docs/run-a-checkpoint.md has the addresses).
"""

import os

import numpy as np
import pytest
import stand_in_peers
import torch
from real_peers import REAL, authors_latents, sweettok_authors

from sweettok.params import TokenizerEntry
from sweettok.tokenizers.registry import open_tokenizer
from sweettok.video.store import to_float

pytestmark = [
    pytest.mark.skipif("SWEETTOK_PEERS" not in os.environ, reason="set SWEETTOK_PEERS to a folder of checkouts"),
    pytest.mark.filterwarnings("ignore"),  # theirs
]
every_peer = pytest.mark.parametrize("name", REAL)


def opened(real, frames=None, size=None):
    entry = {"factory": f"sweettok.tokenizers.{real.factory}:from_checkpoint"} | real.options
    return open_tokenizer(
        "mine", {"mine": TokenizerEntry.model_validate(entry)}, frames or real.frames, size or real.size
    )


@every_peer
def test_encode_and_decode_are_theirs(tmp_path, name):
    real = REAL[name](tmp_path)
    tape, tokenizer = real.tape(), opened(real)
    tokens = tokenizer.encode(to_float(tape["clip"][None]))
    assert tokens.tolist() == [tape["indices"].flatten().tolist()] and len(tokens.unique()) > 1
    decoded = tokenizer.decode(tokens)
    torch.testing.assert_close(decoded, torch.from_numpy(2 * tape["shown"] - 1), rtol=0, atol=1e-5)
    assert tape["shown"].std() > 0.1, "a network of nearly nothing"


@every_peer
def test_the_tapes_are_of_the_real_code(tmp_path, name):
    fresh = REAL[name](tmp_path).tape()
    with np.load(stand_in_peers.TAPES / f"{name}.npz") as recorded:
        assert set(recorded.files) == set(fresh)
        for key in fresh:
            np.testing.assert_allclose(fresh[key], recorded[key], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("frames", "size"), [(3, 8), (17, 16), (20, 24)])
def test_cosmos_windows_and_margins_are_theirs(tmp_path, frames, size):
    """Their program gives bytes, so that half of one may differ."""
    real = REAL["cosmos"](tmp_path)
    tokenizer = opened(real, frames, size)
    clip = np.random.default_rng(1).integers(0, 256, (frames, size, size, 3), dtype=np.uint8)
    decoded = tokenizer.decode(tokenizer.encode(to_float(clip[None])))
    theirs = real.whole(clip[None]).transpose(0, 4, 1, 2, 3)
    assert np.abs((decoded.numpy() + 1) / 2 * 255 - theirs).max() <= 0.5 + 1e-3


@pytest.mark.parametrize(
    ("config", "frames"),
    [
        ("vidtok_fsq_noncausal_488_262144.yaml", 8),
        ("vidtok_fsq_causal_41616_262144.yaml", 9),
        ("vidtok_v1_1/vidtok_fsq_causal_488_32768_v1_1.yaml", 17),
        ("vidtok_v1_1/vidtok_fsq_causal_488_32768_v1_1.yaml", 18),
        ("vidtok_v1_1/vidtok_fsq_causal_888_32768_v1_1.yaml", 17),
    ],
)
def test_every_kind_of_vidtok(tmp_path, config, frames):
    real = REAL["vidtok"](tmp_path, config, frames, 16)
    tape, tokenizer = real.tape(), opened(real)
    tokens = tokenizer.encode(to_float(tape["clip"][None]))
    assert tokens.tolist() == [tape["indices"].flatten().tolist()]
    decoded = tokenizer.decode(tokens)
    torch.testing.assert_close(decoded, torch.from_numpy(2 * tape["shown"] - 1), rtol=0, atol=1e-5)


def test_the_authors_sweettok_at_its_size(tmp_path):
    """A minute: all sizes are fixed in its code."""
    real = sweettok_authors(tmp_path)
    tape, tokenizer = real.tape(), opened(real)
    tokens = tokenizer.encode(to_float(tape["clip"][None]))
    assert tokens.shape == (1, 3840) and tokens.tolist() == tape["indices"].tolist()
    decoded = tokenizer.decode(tokens)
    torch.testing.assert_close(decoded, torch.from_numpy(2 * tape["shown"] - 1), rtol=0, atol=1e-5)
    assert tape["shown"].std() > 0.01, "a network of nearly nothing"


def test_the_authors_latents_are_of_the_real_code():
    fresh = authors_latents()
    with np.load(stand_in_peers.TAPES / "sweettok_authors.npz") as recorded:
        for key in fresh:
            np.testing.assert_allclose(fresh[key], recorded[key], rtol=0, atol=1e-5)
