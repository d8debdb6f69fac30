"""`sweettok doctor`: what a profile needs, what is missing, where to get it; without torch."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest
import yaml

from sweettok import cli, doctor
from sweettok.doctor import Need, as_text, examine
from sweettok.mlflow_store import experiment_of, open_client, store_lock
from sweettok.params import FileData, parse_params, resolved_yaml

ROOT = Path(__file__).parents[1]


def profile(name, **data):
    """The content of a profile with some keys of its data section replaced."""
    content = yaml.safe_load(resolved_yaml(ROOT / "profiles" / f"{name}.yaml"))
    return content | {"data": content["data"] | data}


def found(content, kind):
    """The needs of one kind of a profile's content."""
    return [need for need in examine(parse_params(content, "here")) if need.kind == kind]


@pytest.fixture
def no_hub(tmp_path, monkeypatch):
    """An empty Hugging Face cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def ucf101(tmp_path):
    """A UCF-101 of two classes: 4 clips to train on, 1 to validate, 2 to test; files of none of them."""
    lists = tmp_path / "ucf" / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    (lists / "classInd.txt").write_text("1 Archery\n2 Biking\n")
    train = [f"{name}/v_{name}_g{group:02d}_c01.avi" for name in ("Archery", "Biking") for group in (8, 9)]
    train.append("Archery/v_Archery_g25_c01.avi")
    (lists / "trainlist01.txt").write_text("".join(f"{file} 1\n" for file in train))
    (lists / "testlist01.txt").write_text("Archery/v_Archery_g01_c01.avi\nBiking/v_Biking_g01_c01.avi\n")
    return tmp_path / "ucf"


def put(root, *names):
    for name in names:
        (root / "UCF-101" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "UCF-101" / name).touch()


def test_absent_clips_are_counted_by_split_with_where_to_get_them(ucf101):
    put(ucf101, "Archery/v_Archery_g08_c01.avi", "Archery/v_Archery_g25_c01.avi")
    train, val, test = found(profile("ucf101", root=str(ucf101)), "data")
    assert [need.state for need in (train, val, test)] == ["missing", "here", "missing"]
    assert train.found.startswith("train: 1 of 4 listed files; the first absent is Archery/v_Archery_g09_c01.avi")
    assert val.found == "val: 1 of 1 listed files" and val.get == ""
    assert "https://www.crcv.ucf.edu/data/UCF101.php" in test.get and f"{ucf101}/UCF-101/<class>" in test.get


def test_as_many_may_be_absent_as_params_allow(ucf101):
    put(ucf101, *(f"Archery/v_Archery_g{group:02d}_c01.avi" for group in (1, 8, 9, 25)), "Biking/v_Biking_g08_c01.avi")
    states = [need.state for need in found(profile("ucf101", root=str(ucf101), max_skipped=0.25), "data")]
    assert states == ["here", "here", "missing"]


def test_a_root_or_list_that_is_not_there(ucf101, tmp_path):
    (need,) = found(profile("ucf101", root=str(tmp_path / "none")), "data")
    assert need.state == "missing" and "is not a folder" in need.found and need.get
    (ucf101 / "ucfTrainTestlist" / "testlist01.txt").unlink()
    (need,) = found(profile("ucf101", root=str(ucf101)), "data")
    assert "testlist01.txt" in need.found and need.state == "missing"


@pytest.mark.parametrize(
    "name, source", [("k600", "github.com/cvdfoundation/kinetics-dataset"), ("imagenet", "image-net.org/download")]
)
def test_every_published_set_says_where_it_comes_from(name, source, tmp_path):
    (need,) = found(profile(name, root=str(tmp_path / "none")), "data")
    assert need.state == "missing" and source in need.get and str(tmp_path / "none") in need.get


@pytest.mark.parametrize("data", FileData.__subclasses__(), ids=lambda data: data.__name__)
def test_every_data_set_has_a_listing_and_a_source(data):
    assert callable(resolve_name(data.listing)) and "{root}" in data.where


def test_captions_and_class_names(tmp_path):
    content = profile("imagenet", root=str(tmp_path), class_names=str(tmp_path / "names.txt"))
    content["codebook"]["captions"] = str(tmp_path / "captions.tsv.gz")
    (tmp_path / "captions.tsv.gz").touch()
    captions, names = found(content, "captions")
    assert captions.state == "here" and names.state == "missing"
    assert names.found.startswith("data.class_names: ") and "LOC_synset_mapping.txt" in names.get
    (tmp_path / "captions.tsv.gz").unlink()
    assert found(content, "captions")[0].state == "missing"


def test_word_vectors_that_are_not_here_name_the_hub(no_hub):
    (need,) = found(profile("ucf101"), "word vectors")
    assert need.state == "missing" and "openai/clip-vit-large-patch14" in need.found
    assert "hf download openai/clip-vit-large-patch14" in need.get and "provider_path" in need.get


def test_word_vectors_by_folder(tmp_path, no_hub):
    content = profile("ucf101")
    content["codebook"]["provider_path"] = str(tmp_path)
    (need,) = found(content, "word vectors")
    assert need.state == "missing" and "lacks model.safetensors" in need.found
    (tmp_path / "model.safetensors").touch()
    assert found(content, "word vectors")[0].state == "here"
    content["codebook"] |= {"provider": "hashed", "provider_path": None}
    assert "needs no weights" in found(content, "word vectors")[0].found


def published_metrics(**sources):
    """A section `metrics` that asks for the networks of FVD, FID and LPIPS; sources replace those of their weights."""
    weights = dict.fromkeys(("i3d", "inception", "alex"), {"path": None, "sha256": None, "download": False}) | sources
    return {"extractors": ["i3d", "inception"], "perceptual": ["alex"], "protocols": ["own"], "weights": weights,
            "sizes": []}  # fmt: skip


@pytest.fixture
def no_downloads(tmp_path, monkeypatch):
    """An empty folder of downloaded weights."""
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path / "downloads"))


def test_ucf101_lists_exactly_the_data_and_weights_that_are_missing(ucf101, no_hub, no_downloads, tmp_path):
    put(ucf101, "Archery/v_Archery_g25_c01.avi")
    content = profile("ucf101", root=str(ucf101)) | {"metrics": published_metrics()}
    content["codebook"]["captions"] = str(tmp_path / "captions.tsv.gz")
    needs = examine(parse_params(content, "here"))
    missing = [(need.kind, need.found.split(":")[0]) for need in needs if need.state == "missing"]
    model = "openai/clip-vit-large-patch14"
    assert [pair for pair in missing if pair[0] != "package"] == [  # packages depend on who runs this test
        ("data", "train"),
        ("data", "test"),
        ("captions", "codebook.captions"),
        ("word vectors", f"the word vectors' model {model} is neither a folder here nor in the Hugging Face cache"),
        ("metric weights", "I3D"),
        ("metric weights", "Inception-v3 for FID"),
        ("metric weights", "the LPIPS backbone alex"),
    ]
    assert all(need.get for need in needs if need.state == "missing")


def test_metric_weights_that_are_not_here_say_where_to_get_them(no_downloads, tmp_path):
    sources = {
        "inception": {"path": str(tmp_path / "inception.pth"), "sha256": None, "download": False},
        "alex": {"path": None, "sha256": None, "download": True},
    }
    i3d, inception, alex = found(profile("ucf101") | {"metrics": published_metrics(**sources)}, "metric weights")
    assert i3d.found == "I3D: not here, and download is false" and "i3d_torchscript.pt (sha256 bec6519f" in i3d.get
    assert "set download: true" in i3d.get
    assert inception.found.endswith("inception.pth does not exist") and "github.com/toshas/torch-fid" in inception.get
    assert alex.found.endswith("not downloaded yet") and alex.get.startswith("the next run downloads it; else ")
    assert {need.state for need in (i3d, inception, alex)} == {"missing"}


def test_a_file_that_two_networks_wait_for_is_listed_once(no_downloads):
    absent = {"path": None, "sha256": None, "download": True}
    asked = {"extractors": ["i3d", "i3d-videogpt"], "perceptual": [], "protocols": ["larp", "sweettok-code"]}
    metrics = asked | {"weights": {"i3d": absent, "i3d-videogpt": absent}, "sizes": []}
    assert len(found(profile("ucf101") | {"metrics": metrics}, "metric weights")) == 1


def test_metric_weights_at_hand_or_not_asked_for(no_downloads, tmp_path):
    (tmp_path / "weights").write_bytes(b"weights")
    here = {"path": str(tmp_path / "weights"), "sha256": hashlib.sha256(b"weights").hexdigest(), "download": False}
    metrics = published_metrics(i3d=here, inception=here, alex=here)
    (need,) = found(profile("ucf101") | {"metrics": metrics}, "metric weights")
    assert (need.state, need.found, need.get) == ("here", "i3d, inception, alex", "")
    metrics["weights"]["alex"] = here | {"sha256": "0" * 64}
    (need,) = found(profile("ucf101") | {"metrics": metrics}, "metric weights")
    assert need.state == "missing" and f"expected {'0' * 64}" in need.found and "get the file again" in need.get
    (need,) = found(profile("sprites") | {"metrics": published_metrics() | {"extractors": [], "perceptual": [],
                    "weights": {}}}, "metric weights")  # fmt: skip
    assert need.state == "here" and "no published network" in need.found


def test_packages_absent_or_too_old(monkeypatch):
    declared = ["numpy>=1", "pandas>=900", "no-such-package-here>=1", "ruff>=0.9; extra == 'test'"]
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: declared)
    needs = found(profile("sprites"), "package")
    assert [need.state for need in needs] == ["missing", "missing"]
    assert "pandas>=900 (installed: " in needs[0].found and "no-such-package-here>=1 (not installed)" in needs[1].found


def test_disk_and_memory_follow_from_the_clips(monkeypatch):
    content = profile("sprites", clips={"train": 100, "val": 10, "test": 20}, frames=17, size=64)
    disk, memory = (found(content, kind)[0] for kind in ("disk", "memory"))
    assert "for 130 clips" in disk.found and "for 256 sampled clips" in memory.found
    one = 3 * 17 * 64 * 64
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage._replace(free=2 * one * 130 - 1))
    (disk,) = found(content, "disk")
    assert disk.state == "tight" and disk.get
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage._replace(free=2 * one * 130))
    assert found(content, "disk")[0].state == "here"


@pytest.fixture
def without_git(tmp_path, monkeypatch):
    """A working folder with the project's DVC configuration and no git around it."""
    shutil.copytree(ROOT / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_git_dvc_must_be_told(without_git):
    """The way out that doctor names is one: DVC refuses before it and works after it."""
    (need,) = found(profile("sprites"), "DVC")
    assert need.state == "missing" and need.get.endswith(doctor.NO_GIT)
    dvc = [sys.executable, "-m", "dvc"]
    (without_git / "params.yaml").write_text(yaml.safe_dump(profile("sprites")))
    refused = subprocess.run([*dvc, "status"], capture_output=True, text=True)
    assert refused.returncode and "git" in refused.stderr
    subprocess.run([*dvc, *doctor.NO_GIT.split()[1:]], check=True)
    assert found(profile("sprites"), "DVC")[0].state == "here"
    assert subprocess.run([*dvc, "status"], capture_output=True).returncode == 0


@pytest.mark.parametrize("depth", [0, 1])
def test_in_a_git_repository_or_below_one_dvc_has_what_it_needs(without_git, monkeypatch, depth):
    (without_git / ".git").mkdir()
    folder = without_git / "below" if depth else without_git
    (folder / ".dvc").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder)
    assert [need.state for need in found(profile("sprites"), "DVC")] == ["here"]


def test_a_copy_whose_runs_are_elsewhere_is_told_until_they_follow(tmp_path, monkeypatch):
    (tmp_path / "first").mkdir()
    with store_lock(tmp_path / "first"):
        experiment_of(open_client(tmp_path / "first"), tmp_path / "first")
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "first")
    assert [need.state for need in found(profile("sprites"), "MLflow")] == ["here"]
    monkeypatch.chdir(tmp_path / "copy")
    (need,) = found(profile("sprites"), "MLflow")
    assert need.state == "stale" and str(tmp_path / "first") in need.found and doctor.MOVE in need.get
    command = [sys.executable, *doctor.MOVE.split()[1:]]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True)
    assert [need.state for need in found(profile("sprites"), "MLflow")] == ["here"]
    (tmp_path / "copy" / ".mlflow" / "mlflow.db").write_bytes(b"no database")
    (need,) = found(profile("sprites"), "MLflow")
    assert need.state == "missing" and "mlflow.db" in need.found and need.get


def test_text_names_what_is_missing_and_counts_it():
    needs = [Need("data", "here", "all"), Need("captions", "missing", "a.tsv", "there"), Need("disk", "tight", "full")]
    text = as_text("some", needs)
    assert text.endswith("profile some: 1 missing") and "        get: there" in text
    assert as_text("some", needs[:1]).endswith("profile some: nothing is missing")


def test_the_command_prints_json_and_fails_where_something_is_missing(ucf101, no_hub, tmp_path, monkeypatch, capsys):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mine.yaml").write_text(yaml.safe_dump(profile("ucf101", root=str(ucf101))))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor", "--profile", "mine", "--json"])
    assert ended.value.code == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["profile"] == "ucf101" and {"kind", "state", "found", "get"} == set(answer["needs"][0])
    assert {need["kind"] for need in answer["needs"] if need["state"] == "missing"} >= {"data", "word vectors"}


def test_the_default_profile_needs_nothing_more(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ["numpy>=1"])  # what else is installed is not asked
    cli.main(["doctor"])
    assert capsys.readouterr().out.strip().endswith("profile sprites: nothing is missing")


@pytest.mark.parametrize("name", ["nonsense", "../params"])
@pytest.mark.parametrize("command", [["doctor", "--profile"], ["profile"]])
def test_an_unknown_profile_is_named_with_the_known_ones(command, name, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, name])
    assert str(ended.value.code).startswith(f"error: no profile {name!r}; known: atari, cctv, claims, gpu, imagenet")


def test_it_answers_without_torch(tmp_path):
    """In a process of its own, in which torch cannot be imported."""
    content = profile("ucf101", root=str(tmp_path)) | {"metrics": published_metrics()}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    code = "import sys; sys.modules['torch'] = None\nfrom sweettok.cli import main\nmain(['doctor', '--json'])"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    environment["SWEETTOK_CACHE"] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    needs = json.loads(done.stdout)["needs"]
    for kind, number in {"word vectors": 1, "metric weights": 3}.items():
        assert [need["state"] for need in needs if need["kind"] == kind] == ["missing"] * number


def test_of_the_real_sample_of_ucf101_two_clips_are_here(no_hub, real_samples):
    needs = found(profile("ucf101", root=str(real_samples("ucf101"))), "data")
    counts = [re.search(r": ([\d,]+) of ([\d,]+) listed", need.found).groups() for need in needs]
    present, listed = (sum(int(count.replace(",", "")) for count in column) for column in zip(*counts, strict=True))
    assert (present, listed) == (2, 13320)
    assert {need.state for need in needs} == {"missing"}


@pytest.mark.parametrize("name", ["weizmann", "atari", "cctv"])
def test_profiles_of_the_samples_lack_nothing(name, real_samples, tmp_path, monkeypatch):
    """Their folder is `data` of the project, which may be a link."""
    (tmp_path / "data").symlink_to(real_samples(name).parent)
    monkeypatch.chdir(tmp_path)
    assert {need.state for need in found(profile(name), "data")} == {"here"}
