"""What adapters of other projects share: files read without running them, code imported from a checkout and nowhere else."""

import json
import os
import pickle
import sys
from argparse import Namespace
from importlib import import_module

import pytest
import stand_in_peers as peers
import torch
from safetensors.torch import save_file

from sweettok.errors import InputError
from sweettok.tokenizers.checkpoints import (
    Checkout,
    check_divisible,
    fill,
    part_of,
    read_checkpoint,
    settings_of,
)
from sweettok.tokenizers.cosmos import from_checkpoint as cosmos

STATE = {"a": torch.arange(3.0)}


def test_both_forms_of_a_checkpoint_are_read(tmp_path):
    save_file(STATE, tmp_path / "x.safetensors")
    torch.save(
        {"state_dict": STATE, "hyper_parameters": {"args": Namespace(width=8, names=["a"])}}, tmp_path / "x.ckpt"
    )
    assert torch.equal(read_checkpoint(tmp_path / "x.safetensors")["a"], STATE["a"])
    found = read_checkpoint(tmp_path / "x.ckpt")
    assert torch.equal(found["state_dict"]["a"], STATE["a"]) and found["hyper_parameters"]["args"].width == 8


class Evil:
    """Unpickled, it makes a folder."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_nothing_in_a_checkpoint_is_run(tmp_path):
    mark = tmp_path / "ran"
    torch.save({"state_dict": STATE, "hyper_parameters": Evil(mark)}, tmp_path / "evil.ckpt")
    (tmp_path / "plain.ckpt").write_bytes(pickle.dumps({"state_dict": Evil(mark)}))
    (tmp_path / "no.safetensors").write_bytes(pickle.dumps(Evil(mark)))
    for name in ("evil.ckpt", "plain.ckpt", "no.safetensors"):
        with pytest.raises(InputError, match=rf"{name} cannot be read without running code .*torch.save") as caught:
            read_checkpoint(tmp_path / name)
        assert not mark.exists() and "\n" not in str(caught.value)
    pickle.loads(pickle.dumps(Evil(mark)))  # the trap itself works
    assert mark.exists()


def test_a_file_that_holds_something_else_is_named(tmp_path):
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InputError, match=r"list.pt holds list, .*check which file"):
        read_checkpoint(tmp_path / "list.pt")
    with pytest.raises(InputError, match=r"no model.sd; check which file"):
        part_of({"model": {"x": 1}}, "model", "sd")


def test_settings_come_from_a_file_or_from_params(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"width": 8}))
    assert settings_of(str(tmp_path / "a.json")) == settings_of({"width": 8}) == {"width": 8}
    for content, named in (("{", "cannot be read"), ("[1]", "no settings by name")):
        (tmp_path / "b.json").write_text(content)
        with pytest.raises(InputError, match=f"b.json {named if named[0] == 'c' else 'holds ' + named}"):
            settings_of(str(tmp_path / "b.json"))
    with pytest.raises(InputError, match=r"c.json does not exist; config is"):
        settings_of(str(tmp_path / "c.json"))


def test_weights_must_fit_but_for_what_is_not_used():
    network = torch.nn.Linear(2, 1)
    state = {"weight": torch.ones(1, 2), "bias": torch.ones(1)}
    fill(network, state | {"loss.w": torch.ones(5)}, "the net", ["loss."])
    assert network.weight.sum() == 2 and not network.training and not network.weight.requires_grad
    with pytest.raises(InputError, match=r"the net: .*lacks bias, has unknown other"):
        fill(network, {"weight": torch.ones(1, 2), "other": torch.ones(1)}, "the net", ["loss."])


@pytest.mark.parametrize(
    ("frames", "first", "nearest"), [(16, 1, 13), (2, 1, 1), (18, 1, 17), (6, 0, 4), (3, 0, 4), (0, 1, 1)]
)
def test_the_nearest_length_is_proposed(frames, first, nearest):
    with pytest.raises(InputError, match=f"have {frames} frames, .*--frames {nearest},"):
        check_divisible(frames, 16, first, 4, 8)
    check_divisible(nearest, 16, first, 4, 8)


@pytest.mark.parametrize(("size", "nearest"), [(20, 16), (3, 8)])
def test_the_nearest_size_is_proposed(size, nearest):
    with pytest.raises(InputError, match=f"{size}x{size}, .*--size {nearest},"):
        check_divisible(5, size, 1, 4, 8)
    check_divisible(5, nearest, 1, 4, 8)


@pytest.fixture
def two(tmp_path):
    """Two checkouts whose packages have one name, and that of something which is imported already."""
    for name in ("one", "two"):
        (tmp_path / name / "json").mkdir(parents=True)
        (tmp_path / name / "json" / "__init__.py").write_text(f"NAME = {name!r}")
        (tmp_path / name / "other.py").write_text("")
    return [Checkout(str(tmp_path / name), "", ["json"]) for name in ("one", "two")]


def test_checkouts_do_not_meet(two):
    places, path, finders = [], list(sys.path), list(sys.meta_path)
    for checkout in two:
        with checkout.imports():
            places.append(import_module("json").NAME)
            assert sys.path == path, "other folders of a checkout are not importable"
    assert places == ["one", "two"] and sys.meta_path == finders
    assert import_module("json") is json and two[0].sha256 != two[1].sha256


def test_all_is_as_before_where_the_code_fails(two):
    named = r"cannot build this network \(ZeroDivisionError: .*check out the version"
    with pytest.raises(InputError, match=named), two[0].imports():
        assert import_module("json").NAME == "one"
        1 / 0  # noqa: B018
    assert import_module("json") is json


def test_what_the_code_prints_and_draws_stays_its_own(two, capsys):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    with two[0].imports():
        print("loading"), torch.rand(5)
    assert torch.equal(torch.rand(1), expected)
    printed = capsys.readouterr()
    assert printed.out == "" and "loading" in printed.err


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_announced_and_must_be_some(tmp_path, caplog):
    options = peers.published("cosmos", tmp_path)
    cosmos("mine", 17, 256, **options)
    (line,) = caplog.messages
    assert "encoder.jit" in line and "run with your rights" in line
    torch.save(STATE, tmp_path / "encoder.jit")
    options["sha256"]["encoder"] = peers.sha256_of(tmp_path / "encoder.jit")
    with pytest.raises(InputError, match=r"encoder.jit is no TorchScript file"):
        cosmos("mine", 17, 256, **options)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_cosmos_does_not_know_is_named(tmp_path):
    options = peers.published("cosmos", tmp_path)
    with pytest.raises(InputError, match=r"dtype 'int8' is unknown; choose one of bfloat16"):
        cosmos("mine", 17, 256, **options | {"dtype": "int8"})
    with pytest.raises(InputError, match=r"compression \[3, 8, 8\] is none of"):
        cosmos("mine", 17, 256, **options | {"compression": [3, 8, 8]})
    with pytest.raises(InputError, match=r"the encoder does not take \(1, 3, 17, 16, 16\) .*compression and dtype"):
        cosmos("mine", 17, 16, **options).encode(torch.zeros(1, 3, 17, 16, 16))
