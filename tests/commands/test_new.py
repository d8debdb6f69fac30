"""`sweettok new` on folders as people have them: the profile is valid, and the pipeline finds the clips it was promised."""

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from sweettok.errors import InputError
from sweettok.params import load_params
from sweettok.video.files import FileClips
from sweettok.video.list_files import list_files
from sweettok.video.prepare import prepare

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the base profile; the time of a step is not measured."""
    (tmp_path / "profiles").mkdir()
    shutil.copy(ROOT / "profiles" / "sprites.yaml", tmp_path / "profiles")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sweettok.own_clips.duration.proxy_step", lambda params: 0.1)
    return tmp_path


@pytest.fixture
def classes(project, write_video, scene):
    """20 films of two classes."""
    for number in range(20):
        name = f"{'jump' if number % 2 else 'wave'}/{number}.mkv"
        write_video(project / "My Clips" / name, scene(30, 72, 96, seed=number))
    return project / "My Clips"


def counts_said(out):
    return [
        int(number.replace(",", ""))
        for number in re.search(r"clips: ([\d,]+) train, (\d+) val, (\d+) test", out).groups()
    ]


def test_class_folders(sweettok, project, classes):
    status, out, err = sweettok("new", classes)
    assert status == 0, err
    assert "20 videos in 2 classes (jump, wave)" in out and "about" in out and "sweettok profile my_clips" in out
    params = load_params(project / "profiles" / "my_clips.yaml")
    assert params.profile == "my_clips" and params.data.frames == 17 and params.data.size == 64
    prepare(params.data, project / "data")
    clips = [
        len(list(FileClips(params.data, list_files(params.data), workers=1).clips(split)))
        for split in ("train", "val", "test")
    ]
    assert [clips[0] // params.data.views, *clips[1:]] == counts_said(out) and params.data.views == 12


def test_a_flat_folder_of_phone_films(sweettok, project, write_video, scene):
    for number in range(12):
        film = project / "films" / f"IMG_{number}.MOV"
        write_video(film, scene(60 + number, 40 + 2 * number, 80), codec="mpeg4", pixels="yuv420p")
    (project / "films" / "IMG_3.MOV").write_bytes(b"cut")
    (project / "films" / "notes.txt").write_text("not a film")
    status, out, err = sweettok("new", "films", "--fast", "--profile", "phone")
    assert status == 0, err
    assert "11 videos in 1 class (films)" in out and "left out: 1, first IMG_3.MOV" in out
    data = load_params(project / "profiles" / "phone.yaml").data
    assert data.size == 32 and data.max_skipped >= 1 / 12


def test_images(sweettok, project, scene):
    for number in range(60):
        path = project / "pictures" / ("cats" if number % 2 else "dogs") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene(1, 50, 60, seed=number)[0]).save(path)
    status, out, err = sweettok("new", "pictures")
    assert status == 0, err
    params = load_params(project / "profiles" / "pictures.yaml")
    assert params.data.name == "image_folder" and params.train_joint.optimiser.steps == 0
    assert "60 images" in out and "dvc repro finetune_pixels" in out


def test_captions_of_names(sweettok, project, classes):
    for film in list(classes.rglob("*.mkv")):
        colour = ("red", "blue", "green")[int(film.stem) % 3]
        film.rename(film.with_name(f"{colour}_ball-falls_{film.stem}.mkv"))
    status, out, err = sweettok("new", classes, "--profile", "named")
    assert status == 0, err
    assert "the words of 20 file names" in out and "too few words" in out
    params = load_params(project / "profiles" / "named.yaml")
    lines = Path(params.data.captions).read_text().splitlines()
    assert lines[0] == "clip\tcaption" and len(lines) == 21
    assert Path(params.codebook.captions).is_file()


def test_nothing_is_overwritten_without_force(sweettok, project, classes):
    (project / "profiles" / "mine.yaml").write_text("mine")
    status, _, err = sweettok("new", classes, "--profile", "mine")
    assert status == 1 and "profiles/mine.yaml exists; add --force" in err
    assert (project / "profiles" / "mine.yaml").read_text() == "mine"
    assert sweettok("new", classes, "--profile", "mine", "--force")[0] == 0
    status, _, err = sweettok("new", classes, "--profile", "sprites", "--force")
    assert status == 1 and "sprites is the base" in err


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "holds no video or image"),
        (["notes.txt", "table.csv"], "no video or image in a supported format (1 .csv, 1 .txt)"),
        (["a/b/c.mp4"], "lies deeper than <class>/<file>"),
        (["a/x.mp4", "y.mp4"], "is outside the class folders"),
        (["x.mp4", "y.mp4"], "2 of 2 files"),
    ],
)
def test_odd_folders_cost_a_line(sweettok, project, files, message):
    (project / "odd").mkdir()
    for name in files:
        (project / "odd" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "odd" / name).write_bytes(b"no film")
    status, _, err = sweettok("new", "odd")
    assert status == 1 and message in err and err.count("\n") == 1 and "Traceback" not in err
    assert [path.name for path in (project / "profiles").iterdir()] == ["sprites.yaml"]


@pytest.mark.parametrize("force", [False, True])
def test_a_failed_check_leaves_nothing_new(sweettok, project, classes, monkeypatch, force):
    for film in list(classes.rglob("*.mkv")):
        film.rename(film.with_name(f"{('red', 'blue')[int(film.stem) % 2]}_ball-falls_{film.stem}.mkv"))
    if force:
        (project / "profiles" / "my_clips.yaml").write_text("mine")
    before = {path: path.read_bytes() for path in (project / "profiles").iterdir()}

    def fails(params):
        raise InputError("the disk has gone")

    monkeypatch.setattr("sweettok.video.list_files.list_files", fails)
    status, _, err = sweettok("new", classes, "--force")
    assert status == 1 and "the disk has gone" in err
    assert {path: path.read_bytes() for path in (project / "profiles").iterdir()} == before


def test_names_and_places(sweettok, project, classes, monkeypatch):
    assert "is not a folder" in sweettok("new", "nowhere")[2]
    assert "cannot name a profile" in sweettok("new", classes, "--profile", "../up")[2]
    monkeypatch.chdir(classes)
    assert "run from the root of the project" in sweettok("new", ".")[2]
