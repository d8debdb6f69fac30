"""generate: named classes, the same clips for a seed, a generator and a model that fit."""

import json

import numpy as np
import pytest
import torch

from sweettok.api.frames import open_frames
from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.sampling import sample
from sweettok.params import SamplingSettings
from sweettok.video.store import to_uint8


@pytest.fixture
def generator(work, tok):
    prior = Prior(PriorConfig(1, 2, 16, 3, 0.1, layout_of(tok.model)), torch.Generator().manual_seed(0))
    prior.save(work / "outputs" / "generator")
    (work / "outputs" / "data").mkdir()
    (work / "outputs" / "data" / "store.json").write_text(json.dumps({"classes": ["bend", "jack", "wave"]}))
    return prior.eval()


def frames_of(path):
    file = open_frames(path)
    return file.read(0, file.frames)


def test_clips_are_those_of_the_prior(sweettok, generator, tok):
    status, out, _ = sweettok(
        "generate", "--class", "wave", "--class", "0", "--count", 2, "--seed", 5, "--format", "mkv"
    )
    names = [f"generated/{name}-seed5-{number}.mkv" for name in ("wave", "bend") for number in (0, 1)]
    assert status == 0 and out.split() == names
    settings = SamplingSettings(samples=4, batch_size=4, temperature=0.9, top_k=0, top_p=1.0, guidance=2.5, seed=5)
    drawn = sample(generator, torch.tensor([2, 2, 0, 0]), settings, torch.Generator().manual_seed(5))
    for name, clip in zip(names, to_uint8(tok.decode(drawn)), strict=True):
        assert np.array_equal(frames_of(name), clip) and open_frames(name).fps == 8


def test_all_classes_without_names(sweettok, generator, work):
    (work / "outputs" / "data" / "store.json").unlink()
    status, out, _ = sweettok("generate", "--format", "gif", "--json", "-o", "g", "--top-k", 3)
    answer = json.loads(out)
    assert status == 0 and [one["class"] for one in answer["outputs"]] == ["class0", "class1", "class2"]
    assert answer["sampling"]["top_k"] == 3 and all((work / one["output"]).is_file() for one in answer["outputs"])


CHOSEN = {"guidance": 3.5, "temperature": 0.8, "top_k": 7, "top_p": 0.9}


@pytest.mark.parametrize("folder", ["outputs", "elsewhere"])
def test_drawn_as_the_generators_evaluation_chose(sweettok, generator, work, folder):
    generator.save(work / folder / "generator")
    (work / folder / "generation").mkdir(parents=True)
    summary = {"sampling": {"samples": 256, "batch_size": 32, "seed": 9, **CHOSEN}}
    (work / folder / "generation" / "summary.json").write_text(json.dumps(summary))
    arguments = ["generate", "--class", "wave", "--format", "gif", "--json", "--generator", f"{folder}/generator"]
    drawn = json.loads(sweettok(*arguments)[1])["sampling"]
    assert drawn == CHOSEN | {"samples": 1, "batch_size": 64, "seed": 0}
    asked = json.loads(sweettok(*arguments, "--guidance", 0, "--top-k", 0, "--force")[1])["sampling"]
    assert asked == drawn | {"guidance": 0, "top_k": 0}


def test_another_generators_choice_is_not_taken(sweettok, generator, work):
    (work / "outputs" / "generation").mkdir()
    (work / "outputs" / "generation" / "summary.json").write_text(json.dumps({"sampling": CHOSEN}))
    generator.save(work / "elsewhere" / "generator")
    arguments = ["--class", "wave", "--format", "gif", "--json", "--generator", "elsewhere/generator"]
    drawn = json.loads(sweettok("generate", *arguments)[1])["sampling"]
    assert (drawn["guidance"], drawn["temperature"], drawn["top_k"], drawn["top_p"]) == (2.5, 0.9, 0, 1)


@pytest.mark.parametrize("content, named", [("{", "summary.json"), ('{"sampling": {"top_p": 2}}', "--top-p 2")])
def test_a_damaged_evaluation(sweettok, generator, work, content, named):
    (work / "outputs" / "generation").mkdir()
    (work / "outputs" / "generation" / "summary.json").write_text(content)
    status, _, err = sweettok("generate")
    assert status == 1 and named in err and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["--class", "fly"], "'fly'; choose from bend, jack, wave"),
        (["--class", "3"], "'3'"),
        (["--top-p", "2"], "--top-p 2.0"),
        (["--top-k", "-1"], "--top-k -1"),
        (["--guidance", "-1"], "--guidance -1.0"),
        (["--seed", "-1"], "--seed -1"),
        (["--generator", "none"], "none/prior.json"),
        (["--class-names", "none.json"], "none.json"),
    ],
)
def test_bad_input(sweettok, generator, work, arguments, named):
    status, _, err = sweettok("generate", *arguments)
    assert status == 1 and named in err and len(err.splitlines()) == 1
    assert not (work / "generated").exists()


@pytest.mark.parametrize("arguments", [["--count", "0"], ["--fps", "0"], ["--fps", "1/0"], ["--temperature", "no"]])
def test_wrong_usage(sweettok, generator, arguments):
    status, _, err = sweettok("generate", *arguments)
    assert status == 2 and "positive" in err


def test_a_model_of_other_tokens(sweettok, generator, make_model):
    make_model(lookup="composed").save("other")
    status, _, err = sweettok("generate", "--model", "other")
    assert status == 1 and "--model" in err


def test_resuming_makes_what_is_missing(sweettok, generator, work):
    arguments = ("generate", "--class", "jack", "--count", 2, "--format", "gif")
    assert sweettok(*arguments)[0] == 0
    first, second = (work / "generated" / f"jack-seed0-{number}.gif" for number in (0, 1))
    made = second.read_bytes()
    second.unlink()
    first.write_bytes(b"mine")
    assert sweettok(*arguments, "--resume")[0] == 0
    assert second.read_bytes() == made and first.read_bytes() == b"mine"


def test_what_exists_is_kept(sweettok, generator, work):
    assert sweettok("generate", "--class", "jack", "--format", "gif")[0] == 0
    before = (work / "generated" / "jack-seed0-0.gif").read_bytes()
    assert "exists; add --force" in sweettok("generate", "--class", "jack", "--format", "gif")[2]
    assert sweettok("generate", "--class", "jack", "--format", "gif", "--force")[0] == 0
    assert (work / "generated" / "jack-seed0-0.gif").read_bytes() == before
