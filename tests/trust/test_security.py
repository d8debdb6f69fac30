"""What must not be in the code, not run from a file, and not get into what is kept."""

import ast
import os
import pickle
import re
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from scratch_project import ROOT

from sweettok import SweetTok, VideoTokens
from sweettok.errors import InputError
from sweettok.generation.prior import Prior
from sweettok.language.codebook import Codebook
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.curriculum import TrainingData, load_judge, load_proxy
from sweettok.video.store import ClipStore
from sweettok.weights import load_state

SOURCES = [path for top in ("sweettok", "stages", "examples") for path in sorted((ROOT / top).rglob("*.py"))]
FORBIDDEN = {
    "eval", "exec", "compile", "os.system", "os.popen", "pickle.load", "pickle.loads", "pickle.Unpickler", "yaml.load",
    "yaml.unsafe_load", "yaml.full_load", "joblib.load", "shutil.unpack_archive", "tempfile.mktemp",
}  # fmt: skip
NEEDED = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
SHELLS = {"subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call", "subprocess.check_output"}


def objections(source):
    """What a module must not do, by its calls."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
        if name in FORBIDDEN or name.endswith((".extractall", ".extract")):
            found.append(name)
        if name in NEEDED and given.get(NEEDED[name][0]) != str(NEEDED[name][1]):
            found.append(f"{name} without {NEEDED[name]}")
        if name in SHELLS and ("shell" in given or not isinstance(node.args[0], ast.List)):
            found.append(f"{name} of a shell, or of no list")
    return found


def test_no_code_is_made_of_data(record):
    """Calls that unpickle, unpack, evaluate or start a shell, in all modules of the project."""
    found = {str(path.relative_to(ROOT)): wrong for path in SOURCES if (wrong := objections(path.read_text()))}
    record(len(SOURCES), len(found))
    assert len(SOURCES) > 100 and not found


@pytest.mark.parametrize(
    "source",
    ["eval(x)", "torch.load(p)", "torch.load(p, weights_only=False)", "np.load(p)", "subprocess.run('a')", "yaml.load(x)",
     "subprocess.run(['a'], shell=True)", "subprocess.run(f'{a} b', shell=True)", "tar.extractall(p)", "pickle.loads(b)"],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(source):
    assert objections(source)


def test_the_pipeline_gives_no_params_to_a_shell(record):
    """Commands of dvc.yaml into which a value of params.yaml is put."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    commands = {name: stage["cmd"] for name, stage in stages.items()}
    wrong = [name for name, command in commands.items() if not re.fullmatch(r"python -m stages\.\w+", command)]
    record(len(commands), len(wrong))
    assert len(commands) > 10 and not wrong


def test_the_ui_is_for_this_machine_only():
    texts = [
        path.read_text(errors="replace")
        for path in [ROOT / "Makefile", ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    ]
    starts = [line for text in texts for line in text.splitlines() if "mlflow ui" in line or "mlflow server" in line]
    assert starts and all("--host 127.0.0.1" in line for line in starts if "mlflow ui -" in line)
    assert "--host 127.0.0.1" in starts[0] and not any("0.0.0.0" in text for text in texts)


class Evil:
    """Unpickled, it creates the file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.open, (str(self.mark), os.O_CREAT | os.O_WRONLY)


def plain_pickle(evil, path):
    path.write_bytes(pickle.dumps({"x": evil}))


def torch_archive(evil, path):
    torch.save({"x": evil}, path)


def numpy_archive(evil, path):
    with path.open("wb") as file:
        np.save(file, np.array([evil], object), allow_pickle=True)


def zipped_pickle(evil, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(evil))
        archive.writestr("archive/constants.pkl", pickle.dumps(evil))


READERS = {
    "checkpoint": ("state.pt", lambda folder: Checkpoint(folder / "state.pt", "x").load()),
    "weights .pt": ("w.pt", lambda folder: load_state(folder / "w.pt")),
    "weights .npz": ("w.npz", lambda folder: load_state(folder / "w.npz")),
    "weights .safetensors": ("w.safetensors", lambda folder: load_state(folder / "w.safetensors")),
    "tokens": ("a.swt", lambda folder: VideoTokens.load(folder / "a.swt")),
    "model": ("model.safetensors", SweetTok.from_pretrained),
    "codebook": ("codebook.safetensors", Codebook.load),
    "judge": ("model.safetensors", load_judge),
    "proxy": ("model.safetensors", load_proxy),
    "proxy codes": ("codes_train.npy", lambda folder: TrainingData.load(folder, folder)),
    "prior": ("prior.safetensors", Prior.load),
    "store": ("train/clips.npy", lambda folder: ClipStore.open(folder, "train")),
}


@pytest.mark.parametrize("what", READERS)
def test_a_malicious_file_is_not_run(tmp_path, record, what):
    """A pickle that runs code, in the place of a file and in four wrappings."""
    name, read = READERS[what]
    path, mark = tmp_path / "made" / name, tmp_path / "ran"
    path.parent.mkdir(parents=True)
    wrappings, ran = (plain_pickle, torch_archive, numpy_archive, zipped_pickle), 0
    for wrap in wrappings:
        wrap(Evil(mark), path)
        with suppress(InputError):
            assert read(tmp_path / "made") is None  # a checkpoint that is no checkpoint: training starts afresh
        ran += mark.exists()
        mark.unlink(missing_ok=True)
    record(len(wrappings), ran)
    assert not ran
    with pytest.raises(Exception, match="."):  # the trap itself works
        pickle.loads(pickle.dumps(Evil(mark)))["x"]
    assert mark.exists()


SECRETS = {
    "MLFLOW_TRACKING_PASSWORD": "s3cret-one",
    "HF_TOKEN": "hf_s3cret-two",
    "AWS_SECRET_ACCESS_KEY": "s3cret-three",
}


@pytest.mark.slow
def test_secrets_of_the_environment_are_kept_nowhere(tmp_path, monkeypatch, record):
    """Passwords and tokens in the environment, looked for in every byte that a tracked stage writes or says."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    program = (
        "from sweettok.params import Params\nfrom sweettok.tracking import tracked_run\nimport logging\n"
        "logging.basicConfig(level=logging.DEBUG)\n"
        "with tracked_run('train_proxy', Params(profile='test'), {'seed': 1}) as run: run.log_metrics({'loss': 1.0}, 1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr[-500:]
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    said = [*written, done.stdout, done.stderr]
    found = [name for name, value in SECRETS.items() if any(value.encode() in content for content in said)]
    record(len(SECRETS), len(found), files=len(written))
    assert written and not found
