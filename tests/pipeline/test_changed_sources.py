"""A data set on disk changes, and `dvc repro` sees it: films, captions, and nothing where nothing has changed."""

import csv

import pytest

CAPTIONS = "a red ball slides slowly\na tiny star spins quickly\n"


@pytest.fixture(scope="module")
def project(scratch, scene, write_video):
    """A scratch copy that has prepared ten small films of two classes, and taken words from a file of captions."""
    for number in range(10):
        place = scratch.folder / "films" / ("run", "walk")[number % 2] / f"film{number}.mkv"
        write_video(place, scene(17, 16, 16, seed=number))
    (scratch.folder / "captions.txt").write_text(CAPTIONS)
    scratch.run("config", "core.no_scm", "true")

    def use_films(params):
        params["data"] = {
            "name": "video_folder", "clips": {"train": None, "val": None, "test": None}, "frames": 17, "size": 16,
            "seed": 0, "clips_per_shard": None, "root": "films", "shorter_side": None, "crop": "centre",
            "captions": None, "max_skipped": 0.0, "windows": {"stride": 1, "every": None, "start": "first"},
            "split": {"by": "random", "val": 0.2, "test": 0.2},
        }  # fmt: skip
        params["codebook"] |= {"captions": "captions.txt", "provider": "hashed"}

    scratch.edit(use_films)
    assert stages_run(scratch) == ["list_sources", "prepare_data", "build_codebook"]
    return scratch


def stages_run(project) -> list[str]:
    output = project.run("repro", "build_codebook")
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def classes(project) -> dict[str, str]:
    """Clip -> class, of all splits."""
    rows = []
    for table in (project.folder / "outputs/data").glob("*/labels.csv"):
        with table.open(newline="") as file:
            rows += csv.DictReader(file)
    return {row["clip"]: row["class"] for row in rows}


def test_where_nothing_has_changed_nothing_is_made_anew(project):
    assert stages_run(project) == ["list_sources"]


def test_a_result_of_a_checkpoint_is_seen(project):
    """By the report alone, which reads it."""
    (project.folder / "outputs/checkpoints/larp.json").write_text("{}")
    assert stages_run(project) == ["list_sources"]
    assert '"files": 1,' in (project.folder / "outputs/sources/checkpoints.json").read_text()
    assert "outputs/sources/checkpoints.json" in project.run("status", "--json", "report")


def test_a_film_in_another_class(project):
    films = project.folder / "films"
    (films / "run/film0.mkv").rename(films / "walk/film0.mkv")
    assert stages_run(project) == ["list_sources", "prepare_data", "build_codebook"]
    found = {clip: name for clip, name in classes(project).items() if "film0" in clip}
    assert found and set(found.values()) == {"walk"}


def test_captions_alone(project):
    (project.folder / "captions.txt").write_text(CAPTIONS + "a blue ring falls smoothly\n")
    assert stages_run(project) == ["list_sources", "build_codebook"]


def test_a_disk_that_is_not_mounted_costs_no_clip(project):
    films = project.folder / "films"
    before = classes(project)
    films.rename(project.folder / "away")
    output = project.run("repro", "build_codebook")
    assert "root films is not here now" in output and "Running stage 'prepare_data'" not in output
    assert classes(project) == before
    (project.folder / "away").rename(films)
    assert stages_run(project) == ["list_sources"]
