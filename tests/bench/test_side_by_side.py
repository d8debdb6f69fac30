"""Encode and decode one clip side by side, random weights: SweetTok at the paper's size (profiles/ucf101.yaml) by both kinds of
temporal queries, and other projects' code at the sizes that they publish, from the checkouts in $SWEETTOK_PEERS
(docs/run-a-checkpoint.md). At 17x128x128 ours also beside tests/plain_tokenizer.py."""

import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import real_peers
import torch
import yaml
from bench.cost import giga_operations, profile

from sweettok.api.model import SweetTok, has_bfloat16
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import TokenizerEntry, load_params
from sweettok.reporting.bench_goals import AUTHORS, OURS
from sweettok.tokenizers.registry import open_tokenizer
from sweettok.tokenizers.sweettok import SweetTokTokenizer

pytestmark = pytest.mark.slow
PAPER = load_params(Path(__file__).parents[2] / "profiles" / "ucf101.yaml")
CLIP = PAPER.data.frames, PAPER.data.size
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
OMNITOKENIZER = real_peers.OMNI_ARGS | {
    "embedding_dim": 512, "n_codes": 8192, "resolution": 256, "patch_size": 8, "enc_block": "ttww", "dec_block": "tttt",
    "twod_window_size": 8, "spatial_depth": 4, "temporal_depth": 4, "dim_head": 64, "heads": 8, "sequence_length": 17,
    "codebook_dim": 8,
}  # fmt: skip


def larp(size, folder):
    config = (real_peers.PEERS / "LARP" / "cfgs" / "larp_tokenizer.yaml").read_text()
    config = config.replace("$frame_num$", "16").replace("$input_size$", str(size))
    return real_peers.larp(folder, yaml.safe_load(config)["model"]["args"], 16, size, scale=0.02)


def authors(folder):
    """With as many words as theirs; their edges are not published."""
    nouns = real_peers.words(real_peers.NOUN_KINDS, (5078, 5403), width=512)
    verbs = real_peers.words(real_peers.VERB_KINDS, (1872, 9267), width=512)
    return real_peers.sweettok_authors(folder, nouns, verbs)


NETWORKS = {
    **{f"{OURS}, {queries} queries": queries for queries in ("global", "per_location")},
    "OmniTokenizer": lambda folder: real_peers.omnitokenizer(folder, OMNITOKENIZER, *CLIP),
    "LARP at 128": partial(larp, 128),
    "LARP at 256": partial(larp, 256),
    "Cosmos DV 4x8x8": lambda folder: real_peers.cosmos(folder, {}, *CLIP),
    "VidTok FSQ": lambda folder: real_peers.vidtok(folder, frames=CLIP[0], size=CLIP[1], args=None),
    AUTHORS: authors,
}
ONE_ROUND = ("VidTok FSQ",)  # minutes a call


@pytest.fixture(scope="module")
def build(vocabulary_of, paper_words):
    codebook = vocabulary_of(**paper_words, width=512)

    def make(size, **overrides):
        settings = PAPER.tokenizer.model_copy(update=overrides)
        torch.manual_seed(0)
        model = VideoTokenizer(settings, PAPER.patches, PAPER.proxy, (PAPER.data.frames, size), codebook)
        return model.eval().requires_grad_(False)

    return make


def check_precision(name):
    """Without these instructions SweetTok would fall back to fp32."""
    if "bf16" in name and not has_bfloat16():
        pytest.skip("this CPU has no instructions for bfloat16")


def random_clip(frames, size):
    return torch.rand(1, 3, frames, size, size) * 2 - 1


@pytest.fixture(scope="module", params=NETWORKS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def tokenizer(name, build):
    """In fp32, as the adapters open it."""
    if name.startswith(OURS):
        return SweetTokTokenizer(name, build(CLIP[1], temporal_queries=NETWORKS[name]), "random weights")
    if "SWEETTOK_PEERS" not in os.environ:
        pytest.skip(
            "for other projects' networks set SWEETTOK_PEERS to a folder of checkouts (docs/run-a-checkpoint.md)"
        )
    with TemporaryDirectory() as folder:
        real = NETWORKS[name](Path(folder))
        entry = {"factory": f"sweettok.tokenizers.{real.factory}:from_checkpoint"} | real.options
        return open_tokenizer("peer", {"peer": TokenizerEntry.model_validate(entry)}, real.frames, real.size)


@pytest.fixture(scope="module")
def clip(tokenizer):
    return random_clip(tokenizer.frames, tokenizer.size)


@pytest.fixture(scope="module")
def counted(tokenizer, clip):
    """Tokens, and 10^9 operations of both calls."""
    tokens, encode = giga_operations(lambda: tokenizer.encode(clip))
    _, decode = giga_operations(lambda: tokenizer.decode(tokens))
    return tokens, {"encode": encode, "decode": decode}


@pytest.mark.parametrize("way", ["encode", "decode"])
@pytest.mark.parametrize("dtype", DTYPES)  # bf16 last: it rounds our weights
def test_network(measured, name, tokenizer, dtype, clip, counted, way):
    check_precision(dtype)
    tokens, operations = counted
    given = clip if way == "encode" else tokens
    if name.startswith(OURS):
        network = tokenizer.model
        call = getattr(SweetTok(network, dtype=DTYPES[dtype], model_id="random weights"), way)
    else:
        network, call = tokenizer.network, getattr(tokenizer, way)

    def run():
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
            return call(given)

    if name not in ONE_ROUND:
        run()  # warm
    made = measured(
        f"{way}: {name}",
        run,
        at=f"{tokenizer.frames}x{tokenizer.size}x{tokenizer.size}, {dtype}",
        items=1,
        rounds=1 if name in ONE_ROUND else 3,
        network=name.partition(" at ")[0],
        dtype=dtype,
        gflop=operations[way],
        profile=profile(run) if name.startswith(OURS) else None,
        weights_mb=1e-6 * sum(p.numel() * p.element_size() for p in network.parameters()),
        parameters=tokenizer.parameter_count,
        tokens=tokens.shape[1],
        bits=tokenizer.bits_per_clip,
    )
    assert made.shape == (tokens.shape if way == "encode" else clip.shape)


@pytest.mark.parametrize("written", ["ours", "ours, bf16", "plain"])
def test_128(measured, build, plain_tokenizer, written):
    """17x128x128: a quarter of the patches, and of the tokens."""
    check_precision(written)
    sizes, clip = {"spatial_tokens": 64, "temporal_tokens": 256}, random_clip(CLIP[0], 128)
    model = build(128, **sizes)
    ways = {
        "ours": model.reconstruct,
        "ours, bf16": SweetTok(build(128, **sizes), dtype=torch.bfloat16, model_id="random weights").reconstruct,
        "plain": lambda clip: plain_tokenizer.decode(model, plain_tokenizer.encode(model, clip)),
    }
    with torch.no_grad():
        result = measured(
            f"reconstruct, {written}", lambda: ways[written](clip), at="17x128x128", items=17, unit="frames", rounds=3
        )
    # Rounding may choose the other of two equally near words, in bf16 often.
    assert (result - model.reconstruct(clip)).abs().mean() < (0.2 if "bf16" in written else 1e-2)
