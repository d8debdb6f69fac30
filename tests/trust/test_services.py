"""What a reproduction leans on, taken away or taken twice: DVC's cache, its lock, a writable disk."""

import shutil
import subprocess
import sys

import pytest
from trust.reproduction import PATIENCE, Reproduction, contents, new_project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(undisturbed, tmp_path_factory):
    """A project whose reproduction has come to its end, for these tests alone."""
    project = new_project(tmp_path_factory.mktemp("services") / "project")
    shutil.rmtree(project.folder)
    shutil.copytree(undisturbed.folder, project.folder)
    return project


def unlike_expected(project, undisturbed):
    found, expected = contents(project.folder), undisturbed.contents
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def test_a_deleted_cache(finished, undisturbed, record):
    """DVC's cache deleted with an output: `dvc repro` makes all anew that it cannot compare, and nothing changes."""
    shutil.rmtree(finished.folder / ".dvc" / "cache")
    shutil.rmtree(finished.folder / "outputs" / "codebook")
    said = finished.run("repro")
    different = unlike_expected(finished, undisturbed)
    record(1, len(different), stages_run_again=said.count("Running stage '"))
    assert not different and "Running stage 'build_codebook'" in said


def test_two_reproductions_at_once(undisturbed, tmp_path_factory, record):
    """A second `dvc repro` while the first is at work: it refuses with one reason, or waits; both leave one result."""
    project = new_project(tmp_path_factory.mktemp("twice") / "project")
    first = Reproduction(project)
    try:
        while not first.announced() and not first.ended:
            pass
        second = subprocess.run(
            [sys.executable, "-m", "dvc", "repro"], cwd=project.folder, env=project.environment, capture_output=True,
            text=True, timeout=PATIENCE,
        )  # fmt: skip
        first.process.wait(PATIENCE)
    finally:
        first.end()
    said = second.stdout + second.stderr
    clear = second.returncode == 0 or ("busy" in said or "lock" in said) and "Traceback" not in said
    different = unlike_expected(project, undisturbed)
    record(2, len(different) + bool(first.process.returncode) + (not clear), second_refused=bool(second.returncode))
    assert first.process.returncode == 0, first.tail()
    assert clear, said[-2000:]
    assert not different


def test_loader_workers_and_cells_change_no_bit(undisturbed, tmp_path_factory, record):
    """The smoke profile from a clean start with other loader workers, and two cells side by side: the same files."""
    project = new_project(tmp_path_factory.mktemp("workers") / "project")
    project.edit(lambda params: params["machine"].update(workers=2, cells=2))
    again = Reproduction(project)
    again.process.wait(PATIENCE)
    different = unlike_expected(project, undisturbed)
    record(len(undisturbed.contents), len(different))
    assert again.process.returncode == 0, again.tail()
    assert not different
