"""What pip gets: a wheel and a source archive, built and checked without network; and commands without the extras."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sweettok import extras

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("sweettok", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder with the wheel and the source archive, the wheel built from the latter."""
    source = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    built = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", built, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return built


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    return zipfile.ZipFile(path)


def test_twine_finds_nothing_wrong(built):
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *built.iterdir()], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.count("PASSED") == 2, done.stdout + done.stderr


def test_the_wheel_is_the_package(wheel):
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "sweettok").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == wanted and "sweettok/py.typed" in names


def test_the_source_archive_builds_and_holds_no_tests(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        folders = {Path(name).parts[1] for name in archive.getnames() if len(Path(name).parts) > 1}
    assert set(BUILT_FROM) <= folders and "tests" not in folders


def declared(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return metadata.PathDistribution(zipfile.Path(wheel, f"{Path(name).parent}/"))


def test_every_extra_is_what_commands_name(wheel):
    found = declared(wheel)
    assert set(found.metadata.get_all("Provides-Extra")) >= {*extras.ORDER, "test"}
    names = {canonicalize_name(Requirement(line).name) for line in found.requires}
    assert set(extras.OTHER_NAMES.values()) <= names


def with_what_they_need(requirements):
    """Names of the packages and of all that these need in turn."""
    found, waiting = set(), [Requirement(line) for line in requirements]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        try:
            waiting += [Requirement(line) for line in metadata.requires(name) or ()]
        except metadata.PackageNotFoundError:  # for another platform
            continue
    return found


WITHOUT = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
from sweettok.cli import main
main(sys.argv[1:])
"""


@pytest.fixture
def core_only(wheel, tok, tmp_path, write_video, scene):
    """*arguments -> the process of `sweettok` where only what the wheel asks for, without extras, can be imported."""
    tok.save_pretrained(tmp_path / "outputs" / "model")
    write_video(tmp_path / "clips" / "a.mkv", scene(9))
    core = with_what_they_need(declared(wheel).requires)
    refused = [
        module
        for module, packages in metadata.packages_distributions().items()
        if not {canonicalize_name(package) for package in packages} & core and module != "sweettok"
    ]
    installed = tmp_path / "installed"
    wheel.extractall(installed, [name for name in wheel.namelist() if ".dist-info/" in name])
    code = f"REFUSED = set({refused!r})\n{WITHOUT}"

    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": f"{installed}{os.pathsep}{ROOT}"}
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def test_commands_with_a_model_need_no_extra(core_only):
    for arguments in (
        ["encode", "clips", "-o", "tokens"],
        ["decode", "tokens", "-o", "decoded"],
        ["reconstruct", "clips", "-o", "made"],
        ["words", "tokens"],
        ["metrics", "decoded", "made", "--size", "16"],
        ["evaluate", "--tokenizer", "outputs/model", "--clips", "clips", "--frames", "9", "--size", "16"],
        ["assets"],
    ):
        done = core_only(*arguments)
        assert done.returncode == 0, (arguments, done.stderr[-2000:])


def test_a_command_that_needs_one_says_so_in_a_line(core_only, tmp_path):
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow" / "mlflow.db").touch()
    done = core_only("compare")
    assert done.returncode == 1 and done.stderr.startswith("error: this needs") and len(done.stderr.splitlines()) == 1
