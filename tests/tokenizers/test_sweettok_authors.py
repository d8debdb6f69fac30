"""The authors' SweetTok: latents are those of their quantiser; sizes; what is refused. On a stand-in for their code."""

import math

import numpy as np
import pytest
import stand_in_peers as peers
import torch

from sweettok.errors import InputError
from sweettok.storage import sha256_of
from sweettok.tokenizers.sweettok_authors import GROUPS, from_checkpoint, latents_of

WORDS = (10, 12, 14, 16)  # adjectives, nouns, adverbs, verbs
CODE = {
    "modeling/__init__.py": "",
    "modeling/modules/__init__.py": peers.TRAINING_ONLY,
    "modeling/quantizer/__init__.py": "",
    "modeling/quantizer/quantizer.py": """
import pickle

def read():
    with open("a pickle that is not there", "rb") as file:
        return pickle.load(file)
""",
    "modeling/sweettok.py": """
import torch
from torch import nn
from modeling.quantizer.quantizer import read

class Data:
    def to(self, device):
        return self

class Quantizer(nn.Module):
    def __init__(self, first, second, codes):
        super().__init__()
        self.adj_vectors, self.noun_vectors, self.adj_len, self.data = first, second, len(first), Data()
        self.register_buffer("codes", codes)

    def gcn(self, data):
        return self.codes

class SweetTok_Compact(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config["experiment"]["train_stage"] == 2
        words = read()
        self.quantize = Quantizer(*words["nouns"], torch.zeros(22, 4))
        self.quantize_temporal = Quantizer(*words["verbs"], torch.zeros(30, 4))

    def encode(self, clip):
        assert clip.abs().max() <= 0.5
        return None, {"min_encoding_indices": torch.arange(3840)[None] % 10}

    def decode(self, latents):
        spatial, temporal = latents
        assert spatial.shape == (1, 8, 1, 1, 256) and temporal.shape == (1, 8, 1, 1, 1024)
        return torch.zeros(1, 3, 17, 256, 256) + spatial.mean() / 2
""",
}


@pytest.fixture
def options(tmp_path):
    """What names the files of a stand-in."""
    for path, code in CODE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(code)
    nouns, verbs = (
        {key: [torch.zeros(n, 6) for n in counts]} for key, counts in (("nouns", WORDS[:2]), ("verbs", WORDS[2:]))
    )
    weights = {"quantize.codes": torch.full((22, 4), 0.5), "quantize_temporal.codes": torch.zeros(30, 4)}
    paths = {key: tmp_path / f"{key}.pt" for key in ("weights", "nouns", "verbs")}
    for key, content in {"weights": weights, "nouns": nouns, "verbs": verbs}.items():
        torch.save(content, paths[key])
    named = {key: str(path) for key, path in paths.items()} | {"source": str(tmp_path)}
    named["config"] = {"experiment": {"train_stage": 1}, "model": {}}
    return named | {"sha256": {key: sha256_of(path) for key, path in paths.items()}}


def test_latents_are_those_of_the_authors_quantiser():
    with np.load(peers.TAPES / "sweettok_authors.npz") as recorded:
        codes, indices, latents = (torch.from_numpy(recorded[key]) for key in ("codes", "indices", "latents"))
    pairs, singles = indices.split([512, 256])
    assert len(pairs.unique()) > 4 and len(singles.unique()) > 4
    torch.testing.assert_close(latents_of(codes, 12, pairs, singles), latents, rtol=0, atol=1e-5)


def test_a_clip_there_and_back(options):
    tokenizer = from_checkpoint("mine", 17, 256, **options)
    tokens = tokenizer.encode(torch.linspace(-1, 1, 3 * 17 * 256 * 256).view(1, 3, 17, 256, 256))
    assert tokens.shape == (1, 3840) and sum(GROUPS) == 3840
    assert tokenizer.decode(tokens).unique().tolist() == [0.5]
    bits = 512 * math.log2(10) + 256 * math.log2(12) + 2048 * math.log2(14) + 1024 * math.log2(16)
    assert tokenizer.bits_per_clip == pytest.approx(bits)
    tokens[0, 0] = 10
    with pytest.raises(ValueError, match=r"a word must be in \[0, 10\), got 10"):
        tokenizer.decode(tokens)


def test_the_published_vocabularies_take_45234_bits():
    counts = zip(GROUPS, (5078, 5403, 1872, 9267), strict=True)
    assert sum(count * math.log2(words) for count, words in counts) == pytest.approx(45_234, abs=1)


def test_what_is_refused(options):
    with pytest.raises(InputError, match="17x256x256, not of 16x128x128"):
        from_checkpoint("mine", 16, 128, **options)
    with pytest.raises(InputError, match="verbs.pt: sha256 is missing"):
        from_checkpoint("mine", 17, 256, **options | {"sha256": {**options["sha256"], "verbs": None}})
    with pytest.raises(InputError, match="no experiment; check"):
        from_checkpoint("mine", 17, 256, **options | {"config": {"model": {}}})
