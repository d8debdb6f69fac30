"""Bad input through real stages: exit status 1, one line that names cause and fix, nothing half-written."""

import shutil
from pathlib import Path

import pytest
import torch

from sweettok.language.codebook import build_codebook
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.params import load_params
from sweettok.training.checkpoint import save_module
from sweettok.training.curriculum import build_tokenizer, code_clips, save_proxy
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore

ROOT = Path(__file__).parents[2]
CAPTIONS = ["a red ball slides slowly", "a tiny star spins quickly"]


@pytest.fixture
def project(scratch):
    """The scratch copy as if no stage had run; its MLflow store stays, since making one takes seconds."""
    outputs = scratch.folder / "outputs"
    if outputs.is_dir():
        shutil.rmtree(outputs)
    outputs.unlink(missing_ok=True)
    scratch.reset_params()
    return scratch


def files(project) -> list[str]:
    """All that stands under outputs, hidden files too."""
    return sorted(str(path.relative_to(project.folder)) for path in (project.folder / "outputs").rglob("*"))


def refusal(project, stage: str) -> str:
    """The one line with which a stage refuses its input."""
    before = files(project)
    result = project.python(f"stages.{stage}")
    assert result.returncode == 1 and files(project) == before
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"error in stage {stage}: "), result.stderr[-3000:]
    return lines[0]


def test_a_file_where_the_outputs_folder_must_be(project):
    (project.folder / "outputs").write_text("mine")
    line = refusal(project, "prepare_data")
    assert "outputs/data" in line and "writable folder" in line
    assert (project.folder / "outputs").read_text() == "mine"


def test_a_file_where_an_output_must_be(project):
    (project.folder / "outputs").mkdir()
    (project.folder / "outputs" / "data").write_text("mine")
    line = refusal(project, "prepare_data")
    assert "outputs/data" in line and "move" in line
    assert (project.folder / "outputs" / "data").read_text() == "mine"


def test_a_caption_file_that_is_not_there(project):
    project.edit(lambda params: params["codebook"].update(captions="captions/of/mine.txt"))
    line = refusal(project, "build_codebook")
    assert "captions/of/mine.txt" in line and ".txt" in line.partition(";")[2]


def test_captions_without_words_of_motion(project):
    (project.folder / "mine.txt").write_text("a red ball\na tiny star\n")
    project.edit(lambda params: params["codebook"].update(captions="mine.txt"))
    line = refusal(project, "build_codebook")
    assert "adverb" in line and "verb" in line and "2 captions" in line
    assert "codebook.min_count" in line


@pytest.fixture(scope="module")
def stale_outputs(tmp_path_factory):
    """Judge, proxy and tokenizer with initial weights for clips of 17x16x16, beside a store of 9x32x32 clips."""
    outputs, params = tmp_path_factory.mktemp("stale"), load_params(ROOT / "profiles" / "smoke.yaml")
    data_params = params.data.model_copy(
        update={"clips": params.data.clips.model_copy(update={"train": 4, "val": 2, "test": 2})}
    )
    prepare(data_params, outputs / "data")
    stores = {split: ClipStore.open(outputs / "data", split) for split in ("train", "val")}
    torch.manual_seed(0)
    save_module(outputs / "judge", Judge({"class": 4}, 4), {"labels": {"class": list("abcd")}, "width": 4}, [])
    proxy = ProxyTokenizer(params.proxy, params.patches).eval()
    save_proxy(outputs / "proxy", proxy, {split: code_clips(proxy, store) for split, store in stores.items()}, [])
    codebook = build_codebook(CAPTIONS, params.codebook.model_copy(update={"provider": "hashed"}))
    model = build_tokenizer(params.tokenizer, codebook, proxy, (17, 16))
    for name in ("spatial", "pixels"):
        model.save(outputs / name)
    prepare(data_params.model_copy(update={"frames": 9, "size": 32}), outputs / "data")
    return outputs


@pytest.mark.parametrize(
    ("stage", "owner"),
    [
        ("train_proxy", "params.yaml"),
        ("train_spatial", "outputs/proxy"),
        ("evaluate_semantics", "outputs/pixels"),
    ],
)
def test_a_store_of_other_clips(project, stale_outputs, stage, owner):
    shutil.copytree(stale_outputs, project.folder / "outputs")
    line = refusal(project, stage)
    assert all(part in line for part in ("9x32x32", owner, "17x16x16", "`dvc repro`"))
