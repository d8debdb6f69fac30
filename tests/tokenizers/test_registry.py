"""Tokenizers by name: from params, from installed packages, and one clear line for each that cannot be had."""

import math
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest

from sweettok.errors import InputError
from sweettok.params import TokenizerEntry
from sweettok.tokenizers import registry
from sweettok.tokenizers.mean_colour import MeanColour
from sweettok.tokenizers.registry import open_tokenizer, registered
from sweettok.tokenizers.trilinear import Trilinear, as_large_as

MEAN = "sweettok.tokenizers.mean_colour:MeanColour"


def entries(**factories):
    """Name -> entry, of a factory's place or of a whole entry."""
    given = {name: one if isinstance(one, dict) else {"factory": one} for name, one in factories.items()}
    return {name: TokenizerEntry.model_validate(entry) for name, entry in given.items()}


@pytest.fixture
def offer(monkeypatch):
    """(name, place) pairs -> packages that offer them."""

    def make(*pairs):
        points = [EntryPoint(name, place, registry.GROUP) for name, place in pairs]
        monkeypatch.setattr(registry, "entry_points", lambda group: points)

    return make


@dataclass(frozen=True)
class Halves(MeanColour):
    """A factory with an option."""

    shade: float = 0.5

    def __post_init__(self):
        if not 0 <= self.shade <= 1:
            raise ValueError(f"shade is {self.shade}, but it is between 0 and 1")


@dataclass
class Unsized:
    name: str
    frames: int
    size: int


class Unmeasured(MeanColour):
    bits_per_clip = None


class Endless(MeanColour):
    bits_per_clip = math.inf


class Nameless(MeanColour):
    fingerprint = None


class Untrained(MeanColour):
    @property
    def bits_per_clip(self):
        raise RuntimeError("train it first")


def absent(name, frames, size):
    return open("/none/weights")


def shorter(name, frames, size):
    return MeanColour(name, frames - 4, size)


def failing(name, frames, size):
    raise InputError("outputs/mine does not exist; run make mine")


def test_from_params_with_options():
    grid = open_tokenizer(
        "grid", entries(grid={"factory": "sweettok.tokenizers.trilinear:Trilinear", "grid": [1, 2, 2]}), 9, 16
    )
    assert grid == Trilinear("grid", 9, 16, [1, 2, 2]) and grid.bits_per_clip == 96


def test_from_an_installed_package_alone_and_with_options_of_params(offer):
    offer(("mean", MEAN))
    assert registered(entries(other=MEAN)) == {"other": MEAN, "mean": MEAN}
    assert open_tokenizer("mean", {}, 9, 16) == MeanColour("mean", 9, 16)
    offer(("grid", "sweettok.tokenizers.trilinear:Trilinear"))
    assert open_tokenizer("grid", entries(grid={"grid": [1, 1, 1]}), 9, 16).bits_per_clip == 24


@pytest.mark.parametrize(
    ("factory", "named"),
    [
        ("no_such_module:Thing", "no_such_module:Thing .*ModuleNotFoundError.*PYTHONPATH"),
        ("sweettok.tokenizers.trilinear:Nothing", "Nothing .*AttributeError"),
        ("stand_in:NUMBER", "stand_in:NUMBER .*function"),
        ("stand_in:Unsized", "Unsized .*ClipTokenizer, .*bits_per_clip, decode, encode, fingerprint, parameter_count, to"),
        ("stand_in:Unmeasured", r"bits_per_clip .*Unmeasured .*sizes\(tokens\)"),
        ("stand_in:Endless", "bits_per_clip is inf"),
        ("stand_in:Nameless", "fingerprint is None; expected .*sha256"),
        ("stand_in:Untrained", "RuntimeError .*train it first"),
        ("stand_in:absent", "FileNotFoundError: .*/none/weights"),
        ("stand_in:shorter", "5x16x16, .*9x16x16"),
        ("stand_in:failing", "outputs/mine"),
        ({"factory": MEAN, "shade": 0.5}, "'shade'; .*: none"),
        ({"factory": "stand_in:Halves", "shade": 7.0}, "shade .*7.0"),
        ({}, "factory: package.module:function"),
    ],
)  # fmt: skip
def test_one_line_says_what_is_wrong(factory, named, monkeypatch):
    entry = factory if isinstance(factory, dict) else {"factory": factory}
    factories = {
        one.__name__: one
        for one in (Halves, Unsized, Unmeasured, Endless, Nameless, Untrained, absent, shorter, failing)
    }
    monkeypatch.setitem(sys.modules, "stand_in", SimpleNamespace(NUMBER=7, **factories))
    with pytest.raises(InputError, match=named) as refused:
        open_tokenizer("mine", entries(mine=entry), 9, 16)
    assert "mine" in str(refused.value) and "\n" not in str(refused.value)


def test_unknown_names(offer):
    with pytest.raises(InputError, match="'lost' .*mean,"):
        open_tokenizer("lost", entries(mean=MEAN), 9, 16)


def test_a_name_given_twice(offer):
    offer(("mean", MEAN))
    with pytest.raises(InputError, match=r"'mean' .*twice, .*params\.tokenizers"):
        registered(entries(mean=MEAN))
    offer(("mean", MEAN), ("mean", "other.package:Thing"))
    with pytest.raises(InputError, match="'mean' .*twice, .*other.package:Thing"):
        registered({})


def test_a_baseline_as_large_as_a_model(small_run, tmp_path):
    outputs = small_run(tmp_path) / "outputs"
    known = {"folder": str(outputs / "model"), "data": str(outputs / "data")}
    tokens = as_large_as("grid", 9, 16, "tokens", **known)
    assert 16 <= math.prod(tokens.grid) <= 20, "the model's tokens"
    bits = as_large_as("grid", 9, 16, "bits", **known)
    assert 24 <= bits.bits_per_clip <= 96
    with pytest.raises(InputError, match="budget .*'words'; .*tokens or bits"):
        as_large_as("grid", 9, 16, "words", **known)
