"""The examples run as they are written, on a small model and its clips."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sweettok import SweetTok
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.training.checkpoint import save_module
from sweettok.training.curriculum import save_proxy

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def work(tmp_path_factory, small_run, make_model, proxy_params, scene, write_video):
    """A folder with outputs as the pipeline leaves them, a second model, a video, and videos of two classes."""
    folder = small_run(tmp_path_factory.mktemp("examples"))
    make_model(quantizer="learned").save(folder / "other")
    write_video(folder / "clip.mkv", scene(12, 16, 24))
    judge = {"labels": {"class": ["a", "b"]}, "width": 4}
    save_module(folder / "outputs" / "judge", Judge({"class": 2}, judge["width"]), judge, [])
    save_proxy(folder / "outputs" / "proxy", ProxyTokenizer(proxy_params, make_model().patches), {}, [])
    for number in range(6):
        write_video(folder / "own" / "ab"[number % 2] / f"{number}.mkv", scene(12, 20, 24, seed=number))
    return folder


def run(work, name, *arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, ROOT / "examples" / name, *arguments]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_tokenise_a_video(work):
    out = run(work, "tokenise_a_video.py", "clip.mkv")
    assert (
        out.startswith("12 frames, ") and (work / "clip.swt").is_file() and (work / "clip-reconstructed.gif").is_file()
    )


def test_compare_two_tokenizers(work):
    out = run(work, "compare_two_tokenizers.py", "outputs/model", "other")
    assert re.findall(r"^(\S+): -?[\d.]+ dB at (\d+) bits$", out, re.M) == [("outputs/model", "80"), ("other", "80")]


@pytest.mark.parametrize("arguments", [(), ("outputs/model", "outputs/data")])
def test_few_shot(work, arguments):
    accuracy = float(re.search(r"adverbs: ([\d.]+) \(chance", run(work, "few_shot.py", *arguments))[1])
    assert 0 <= accuracy <= 1


def test_train_on_your_own_folder(work):
    out = run(work, "train_on_your_own_folder.py", "own", "2")
    assert re.fullmatch(
        r"outputs/own: [\d.]+ dB on 1 clips held out; sweettok reconstruct --model outputs/own", out.splitlines()[-1]
    )
    learned, before = (SweetTok.from_pretrained(work / "outputs" / name) for name in ("own", "model"))
    assert (
        learned.model_id != before.model_id
        and learned.model.quantizers["spatial"].words == before.model.quantizers["spatial"].words
    )


def test_plug_your_own_quantiser(work):
    out = run(work, "plug_your_own_quantiser.py")
    assert "decoded: (1, 3, 9, 16, 16)" in out


def test_my_tokenizer(work):
    assert run(work, "my_tokenizer.py") == "tokens (1, 1088, 3), 26112 bits; decoded: (1, 3, 17, 32, 32)\n"


def test_each_example_has_a_test_and_says_how_it_is_called():
    text = Path(__file__).read_text()
    for example in EXAMPLES:
        assert example.name in text and f"python examples/{example.name}" in example.read_text()
