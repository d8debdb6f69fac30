"""All-or-nothing writes, checksums, JSON."""

import hashlib
import json
import math
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import safetensors.torch
import torch

from sweettok.errors import InputError
from sweettok.storage import atomic_directory, atomic_file, read_json, sha256_of, write_json
from sweettok.training.checkpoint import Checkpoint

ROOT = Path(__file__).parents[1]


class Crash(Exception):
    pass


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_only_when_complete(tmp_path):
    with atomic_file(tmp_path / "new" / "file.txt") as temporary:
        temporary.write_text("content")
        assert temporary.parent == tmp_path / "new" and not (tmp_path / "new" / "file.txt").exists()
    assert (tmp_path / "new" / "file.txt").read_text() == "content" and names(tmp_path / "new") == ["file.txt"]


def test_crash_keeps_the_old_file(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(Crash), atomic_file(tmp_path / "file") as temporary:
        temporary.write_text("half")
        raise Crash
    assert (tmp_path / "file").read_text() == "old" and names(tmp_path) == ["file"]


def test_crash_before_the_first_byte(tmp_path):
    with pytest.raises(Crash), atomic_file(tmp_path / "file"):
        raise Crash
    assert names(tmp_path) == []


def test_directory_replaces_the_old_one_whole(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "stale").write_text("x")
    with atomic_directory(tmp_path / "out") as temporary:
        (temporary / "fresh").write_text("y")
        assert names(tmp_path / "out") == ["stale"]
    assert names(tmp_path / "out") == ["fresh"] and names(tmp_path) == ["out"]


def test_crash_keeps_the_old_directory(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("x")
    with pytest.raises(Crash), atomic_directory(tmp_path / "out") as temporary:
        (temporary / "half").write_text("y")
        raise Crash
    assert names(tmp_path / "out") == ["old"] and names(tmp_path) == ["out"]


@pytest.mark.parametrize("write", [atomic_file, atomic_directory])
def test_folder_that_cannot_be_made(tmp_path, write):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(InputError, match="cannot write .*make .* a writable folder"),
        write(tmp_path / "file" / "inside"),
    ):
        pass
    assert names(tmp_path) == ["file"]


def test_failed_write_is_named(tmp_path):
    with (
        pytest.raises(InputError, match=r"cannot write .*out: No space left.*free space"),
        atomic_file(tmp_path / "out"),
    ):
        raise OSError(28, "No space left on device")
    with pytest.raises(InputError, match=r"cannot write .*out: No space left"), atomic_directory(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert names(tmp_path) == []


@pytest.mark.parametrize("write", [atomic_file, atomic_directory])
def test_errors_about_other_files_keep_their_name(tmp_path, write):
    with pytest.raises(FileNotFoundError, match="absent.csv"), write(tmp_path / "out"):
        (tmp_path / "absent.csv").read_text()
    with pytest.raises(ConnectionError), write(tmp_path / "out"):
        raise ConnectionResetError(104, "Connection reset by peer")
    assert names(tmp_path) == []


def test_errors_about_files_inside_the_folder_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="cannot write out: No such file"), atomic_directory("out") as temporary:
        (temporary / "absent" / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write out: Is a directory"), atomic_directory("out") as temporary:
        temporary.resolve().write_text("x")
    assert names(tmp_path) == []


def test_a_file_in_the_place_of_a_folder_is_refused_before_any_work(tmp_path):
    (tmp_path / "out").write_text("mine")
    with (
        pytest.raises(InputError, match="out: a file stands where a folder must be"),
        atomic_directory(tmp_path / "out"),
    ):
        pytest.fail("the body ran")
    assert (tmp_path / "out").read_text() == "mine" and names(tmp_path) == ["out"]


def test_a_folder_in_the_place_of_a_file_is_kept(tmp_path):
    (tmp_path / "out").mkdir()
    with (
        pytest.raises(InputError, match="cannot write .*out: Is a directory"),
        atomic_file(tmp_path / "out") as temporary,
    ):
        temporary.write_text("x")
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failed_exchange_puts_the_old_folder_back(tmp_path, monkeypatch, error):
    def fail_on_the_new_one(source, target, replace=os.replace):
        if str(source).endswith(".partial"):
            raise error(5, "Input/output error", str(source))
        replace(source, target)

    write_out(tmp_path / "out", "old")
    monkeypatch.setattr(os, "replace", fail_on_the_new_one)
    with pytest.raises((InputError, KeyboardInterrupt)):
        write_out(tmp_path / "out", "new")
    assert (tmp_path / "out" / "content").read_text() == "old" and names(tmp_path) == ["out"]


def write_out(path, content):
    with atomic_directory(path) as temporary:
        (temporary / "content").write_text(content)


# A stage that is killed (no `finally` runs) either while it writes or between the two renames of the exchange.
KILLED = """
import os, sys
from sweettok.storage import atomic_directory
if sys.argv[2] == "exchanging":
    replace = os.replace
    os.replace = lambda source, target: os._exit(9) if str(source).endswith(".partial") else replace(source, target)
with atomic_directory(sys.argv[1]) as temporary:
    (temporary / "content").write_text("new")
    if sys.argv[2] == "writing":
        os._exit(9)
"""


@pytest.mark.parametrize(("moment", "left"), [("writing", ".partial"), ("exchanging", ".former")])
def test_a_kill_loses_nothing_and_the_next_run_cleans_up(tmp_path, moment, left):
    write_out(tmp_path / "out", "old")
    (tmp_path / ".out.txt.0123abcd.partial").write_text("of another output")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "out"), moment], cwd=ROOT)
    assert killed.returncode == 9
    assert any(name.endswith(left) for name in names(tmp_path))
    assert "old" in [(folder / "content").read_text() for folder in tmp_path.iterdir() if folder.is_dir()]
    write_out(tmp_path / "out", "newest")
    assert (tmp_path / "out" / "content").read_text() == "newest"
    assert names(tmp_path) == [".out.txt.0123abcd.partial", "out"]


# Another process that has begun to write, and goes on when it is told to.
WAITING = """
import sys
from sweettok.storage import atomic_file
with atomic_file(sys.argv[1]) as temporary:
    temporary.write_text("theirs")
    print("begun", flush=True)
    sys.stdin.readline()
"""


def test_another_process_at_work_on_the_same_file_is_left_alone(tmp_path):
    command = [sys.executable, "-c", WAITING, str(tmp_path / "file")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "begun\n"
        with atomic_file(tmp_path / "file") as temporary:
            temporary.write_text("ours")
        assert (tmp_path / "file").read_text() == "ours" and len(names(tmp_path)) == 2
        other.communicate("go on\n", timeout=60)
    assert other.returncode == 0
    assert (tmp_path / "file").read_text() == "theirs" and names(tmp_path) == ["file"]


def test_leftovers_of_a_process_that_had_our_number(tmp_path):
    """In containers numbers come back soon."""
    left = [tmp_path / f".out.{os.getpid():08x}.{kind}" for kind in ("partial", "former")]
    for folder in left:
        folder.mkdir()
        (folder / "content").write_text("half")
    for content in ("first", "second"):
        write_out(tmp_path / "out", content)
        assert (tmp_path / "out" / "content").read_text() == content and names(tmp_path) == ["out"]


def test_a_file_of_a_killed_run_is_cleaned_up(tmp_path):
    (tmp_path / ".file.0123abcd.partial").write_text("half")
    with atomic_file(tmp_path / "file") as temporary:
        temporary.write_text("whole")
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_sha256(tmp_path, size):
    content = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "file").write_bytes(content[:size])
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content[:size]).hexdigest()


def test_json_round_trip(tmp_path):
    content = {"a": [1, 2.5, None, True], "ü": {"b": "ß"}}
    write_json(tmp_path / "x.json", content)
    assert read_json(tmp_path / "x.json") == content == json.loads((tmp_path / "x.json").read_text())


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}])
def test_what_json_cannot_say_leaves_the_old_file(tmp_path, value):
    write_json(tmp_path / "x.json", 1)
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "x.json", {"a": value})
    assert read_json(tmp_path / "x.json") == 1 and names(tmp_path) == ["x.json"]


def test_json_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"x.json does not exist; run `dvc repro`"):
        read_json(tmp_path / "x.json")
    for content in (b"{", b"", b"\xff\xfe"):
        (tmp_path / "x.json").write_bytes(content)
        with pytest.raises(InputError, match=r"x.json is not valid JSON .*delete it"):
            read_json(tmp_path / "x.json")


def save_text(folder):
    (folder / "text").write_text("x" * 2 * FULL)


def save_numpy(folder):
    numpy.save(folder / "array.npy", numpy.zeros(FULL, numpy.float32))


def save_torch(folder):
    torch.save({"x": torch.zeros(FULL)}, folder / "x.pt")


def save_safetensors(folder):
    safetensors.torch.save_file({"x": torch.zeros(FULL)}, folder / "x.safetensors")


def save_checkpoint(folder):
    Checkpoint(folder / "state.pt", "x").save({"step": 1, "x": torch.zeros(FULL)})


FULL = 100_000  # bytes after which the kernel refuses to write more to a file


@pytest.mark.parametrize("save", [save_text, save_numpy, save_torch, save_safetensors, save_checkpoint])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path, save):
    """The kernel refuses the write as on a full disk (EFBIG for ENOSPC), whichever library writes."""
    with atomic_directory(tmp_path / "out") as folder:
        (folder / "old").write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, limits[1]))
    try:
        with pytest.raises(InputError, match="check permissions and free space") as refused:  # noqa: SIM117
            with atomic_directory(tmp_path / "out") as folder:
                save(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(refused.value) and str(tmp_path) in str(refused.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old"]


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002, 0o077])
def test_the_umask_says_who_may_read(tmp_path, umask):
    """Whatever mode a library gives the files that it writes."""
    former = os.umask(umask)
    try:
        with atomic_file(tmp_path / "file") as temporary:
            temporary.write_text("x")
            temporary.chmod(0o600)
        with atomic_directory(tmp_path / "folder") as temporary:
            (temporary / "below").mkdir()
            (temporary / "below" / "weights").write_text("x")
            (temporary / "below" / "weights").chmod(0o600)
    finally:
        os.umask(former)
    for name in ("file", "folder/below/weights"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o666 & ~umask


READ_ONLY = """
import os, sys
from pathlib import Path
from sweettok.errors import InputError
from sweettok.storage import atomic_directory, atomic_file, write_json

os.chdir(sys.argv[1])
if os.getuid() == 0:  # root may write everywhere; the folder above is open already
    os.setuid(65534)
for write in (atomic_file, atomic_directory):
    try:
        with write("outputs/x") as temporary:
            Path(temporary).mkdir(exist_ok=True)
    except InputError as error:
        print(error)
"""


def test_read_only_outputs_are_one_line(tmp_path):
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs").chmod(0o555)
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(tmp_path)], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    remedy = f"change the permissions of outputs, which belongs to {tmp_path.owner()}"
    assert done.stdout.splitlines() == [f"cannot write outputs/x: Permission denied; {remedy}"] * 2
    assert not list((tmp_path / "outputs").iterdir())
