"""Checkpoints and saved modules: exact round trips, damage, foreign files, no code run from a pickle."""

import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from sweettok.errors import InputError
from sweettok.storage import sha256_of
from sweettok.training.checkpoint import Checkpoint, hash_of, load_weights, save_module, write_history


class Malicious:
    """Unpickling makes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def seal(path):
    """Append the checksum that a checkpoint ends with, so that a file of other content counts as undamaged."""
    path.write_bytes(path.read_bytes() + bytes.fromhex(sha256_of(path)))


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "folder" / "name.pt", "identity")


def test_round_trip_is_exact(checkpoint):
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    adam = torch.optim.AdamW(model.parameters(), 0.1)
    model(torch.randn(4, 3)).sum().backward()
    adam.step()
    state = {
        "step": 5,
        "model": model.state_dict(),
        "adam": adam.state_dict(),
        "history": [{"step": 5, "loss": 0.1, "split": "val"}],
    }
    checkpoint.save(state)
    loaded = checkpoint.load()
    assert loaded["step"] == 5 and loaded["history"] == state["history"]
    assert all(torch.equal(loaded["model"][name], value) for name, value in model.state_dict().items())
    assert torch.equal(loaded["adam"]["state"][0]["exp_avg"], adam.state_dict()["state"][0]["exp_avg"])
    assert [path.name for path in checkpoint.path.parent.iterdir()] == ["name.pt"]


def test_none_where_there_is_none(checkpoint, caplog):
    assert checkpoint.load() is None and caplog.text == ""


def test_deleted(checkpoint):
    checkpoint.save({"step": 1})
    checkpoint.delete()
    checkpoint.delete()
    assert checkpoint.load() is None


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_cut_file(checkpoint, caplog, cut):
    checkpoint.save({"step": 1, "weights": torch.ones(100)})
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:cut])
    assert checkpoint.load() is None
    assert "unreadable" in caplog.text and "name.pt" in caplog.text


def test_other_identity(checkpoint, caplog):
    checkpoint.save({"step": 1})
    assert Checkpoint(checkpoint.path, "another").load() is None
    assert "other params" in caplog.text


def test_another_version(checkpoint, caplog, monkeypatch):
    monkeypatch.setattr("sweettok.training.checkpoint.FORMAT", 1)
    checkpoint.save({"step": 1})
    monkeypatch.undo()
    assert checkpoint.load() is None
    assert "another version" in caplog.text


@pytest.mark.parametrize("content", [{"step": 1}, {"identity": "identity"}, torch.ones(3), [1, 2]])
def test_file_of_something_else(checkpoint, caplog, content):
    """Readable, but no checkpoint: another program's, or an older version's."""
    checkpoint.path.parent.mkdir()
    torch.save(content, checkpoint.path)
    seal(checkpoint.path)
    assert checkpoint.load() is None
    assert "no checkpoint" in caplog.text


@pytest.mark.parametrize("write", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_code_in_a_pickle_is_not_run(checkpoint, tmp_path, write, caplog):
    proof = tmp_path / "code was run"
    checkpoint.path.parent.mkdir()
    write({"identity": "identity", "step": 1, "model": Malicious(proof)}, checkpoint.path)
    seal(checkpoint.path)
    assert checkpoint.load() is None
    assert not proof.exists() and "unreadable" in caplog.text
    pickle.loads(pickle.dumps(Malicious(proof)))
    assert proof.exists()  # plain unpickling would have run it


def test_hash_does_not_depend_on_the_order_of_keys():
    assert hash_of({"a": 1, "b": [1, 2]}) == hash_of({"b": [1, 2], "a": 1})
    assert len({hash_of(x) for x in ({"a": 1}, {"a": 2}, {"b": 1}, [1, 2], [2, 1], {"a": "1"})}) == 6


def test_module_round_trip(tmp_path):
    torch.manual_seed(0)
    one, other = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    save_module(
        tmp_path / "m",
        one,
        {"width": 2},
        [{"step": 1, "split": "train", "loss": 0.25}, {"step": 1, "split": "val", "psnr": 3.0}],
    )
    config = load_weights(tmp_path / "m", other)
    assert config["width"] == 2 and not other.training
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())
    assert (tmp_path / "m" / "history.csv").read_text() == "step,split,loss,psnr\n1,train,0.25,\n1,val,,3\n"


def test_damaged_or_absent_module(tmp_path):
    with pytest.raises(InputError, match="config.json .*exist"):
        load_weights(tmp_path, nn.Linear(3, 2))
    save_module(tmp_path / "m", nn.Linear(3, 2), {}, [])
    file = tmp_path / "m" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match="model.safetensors .*damaged"):
        load_weights(tmp_path / "m", nn.Linear(3, 2))
    file.unlink()
    with pytest.raises(InputError, match="model.safetensors .*exist"):
        load_weights(tmp_path / "m", nn.Linear(3, 2))


def test_history_of_rows_with_other_metrics(tmp_path):
    write_history(tmp_path / "history.csv", [{"step": 1, "loss": 1 / 3}, {"step": 2, "psnr": 20.0}])
    assert (tmp_path / "history.csv").read_text().splitlines() == ["step,loss,psnr", "1,0.333333,", "2,,20"]
