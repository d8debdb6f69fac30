import hashlib
import json
import shutil

import pytest
import torch

from sweettok.errors import InputError
from sweettok.language.model_folder import model_folder, open_model, weights_sha256


@pytest.fixture
def model(tiny_qwen, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(tiny_qwen, tmp_path / "model")


def test_a_folder_is_itself_and_a_name_is_looked_up_in_the_cache(model, tmp_path, monkeypatch):
    assert model_folder(str(model)) == model
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "cache/models--some--model"
    shutil.copytree(model, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs/main").write_text(commit)
    assert model_folder("some/model") == cached / "snapshots" / commit
    with pytest.raises(InputError, match="`hf download other/model "):
        model_folder("other/model")


@pytest.mark.parametrize("name", ["/absent/folder", "../absent", "a/b/c", "a--b..c", ""])
def test_what_can_be_no_hub_name_is_refused(name, monkeypatch, tmp_path):
    name = name or str(tmp_path / "absent folder")
    with pytest.raises(InputError, match=f"codebook.provider_path {name} "):
        model_folder(name)


def test_fingerprint_of_one_file_is_its_own_sha256(model):
    assert weights_sha256(model) == hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()


def test_fingerprint_of_several_files_covers_each(model):
    tokenizer, whole = open_model(model, "Qwen2ForCausalLM")
    (model / "model.safetensors").unlink()
    whole.save_pretrained(model, max_shard_size="5KB")
    shards = sorted(model.glob("*.safetensors"))
    assert len(shards) > 1
    lines = "".join(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in shards)
    assert weights_sha256(model) == hashlib.sha256(lines.encode()).hexdigest()
    reopened = open_model(model, "Qwen2ForCausalLM")[1].state_dict()
    assert all(torch.equal(tensor, reopened[name]) for name, tensor in whole.state_dict().items())
    shards[-1].unlink()
    with pytest.raises(InputError, match=shards[-1].name):
        weights_sha256(model)


def test_pickled_weights_are_not_opened(model):
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    with pytest.raises(InputError, match="model.safetensors; pytorch_model.bin"):
        weights_sha256(model)
    with pytest.raises(InputError, match="AutoModel"):
        open_model(model, "AutoModel")


@pytest.mark.parametrize(
    ("index", "named"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        (json.dumps({"weight_map": {"a": "../../secret.safetensors"}}), "../../secret.safetensors"),
    ],
)
def test_bad_index_is_refused(model, index, named):
    (model / "model.safetensors.index.json").write_text(index)
    with pytest.raises(InputError, match=f"model.safetensors.index.json .*{named}"):
        weights_sha256(model)


def test_damaged_weights_are_refused(model):
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="AutoModel"):
        open_model(model, "AutoModel")
