"""Files that the system refuses, and names that a terminal cannot show, cost one line and no traceback."""

import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from sweettok import errors
from sweettok.errors import REFUSALS, InputError, counted, naming_refused_files, one_line, refusal

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("number", sorted(REFUSALS))
def test_a_refused_file_is_named(number):
    reason = os.strerror(number)
    with pytest.raises(InputError) as refused, naming_refused_files():
        raise OSError(number, reason, os.fsdecode(b"mine/\xff"))
    assert str(refused.value).startswith(rf"mine/\xff: {reason}; ")


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError(errno.ENOENT, "No such file", "gone"), PermissionError(errno.EPERM, "of no file"), KeyError(1)],
)
def test_what_may_be_a_bug_stays_what_it_is(error):
    with pytest.raises(type(error)) as raised, naming_refused_files():
        raise error
    assert raised.value is error


@pytest.fixture
def closed_to_me(monkeypatch):
    """Folders that keep this user out: the superuser, whom tests may run as, is kept out of none."""
    closed = set()
    monkeypatch.setattr(errors.os, "access", lambda path, mode: str(path) not in closed)
    return closed


def test_of_permissions_those_to_change_are_named(tmp_path, closed_to_me):
    (tmp_path / "a" / "b").mkdir(parents=True)
    file = tmp_path / "a" / "b" / "clip.mp4"
    denied = PermissionError(errno.EACCES, "Permission denied", str(file))
    owner = tmp_path.owner()
    assert (
        refusal(denied, "") == f"Permission denied; change the permissions of {file.parent}, which belongs to {owner}"
    )
    file.touch()
    assert refusal(denied, "") == f"Permission denied; change the permissions of {file}, which belongs to {owner}"
    closed_to_me.add(str(tmp_path / "a"))
    assert f"the permissions of {tmp_path / 'a'}, which" in refusal(denied, "")
    assert refusal(OSError(errno.EIO, "broken", str(file)), "look at the disk") == "broken; look at the disk"


@pytest.mark.parametrize(
    "name, line",
    [
        ("a b é \U0001f600.mp4", "a b é \U0001f600.mp4"),
        ("a\nb.mp4", r"a\nb.mp4"),
        ("a\r\n\tb\x1b[2J", r"a\r\n\tb\x1b[2J"),
        ("a\u2028b\x85", r"a\u2028b\x85"),
        (os.fsdecode(b"\xff\xc3\xbc"), r"\xffü"),
    ],
)
def test_messages_are_one_line_whatever_the_names(name, line):
    assert one_line(name) == line and str(InputError(f"{name}: empty")) == f"{line}: empty"
    again = pickle.loads(pickle.dumps(InputError(name)))  # as another process sends it
    assert str(again) == line and one_line(line) == line


def test_counts_are_in_words():
    assert [counted(number, "frame") for number in (0, 1, 2, 1000)] == [
        "0 frames",
        "1 frame",
        "2 frames",
        "1,000 frames",
    ]
    assert counted(1, "index", "indices") == "1 index" and counted(2, "index", "indices") == "2 indices"
    assert counted(1, "class") == "1 class" and counted(2, "class") == "2 classes"


COMMAND = """
import os, sys
from sweettok import cli
from sweettok.commands import assets

def work(chosen):
    print(os.fsdecode(b"\\xff.mp4 -> \\xc3\\xbc.swt"))
    open("loop")

assets._assets = work
cli.main(["assets"])
"""


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8:strict", "ü"), ("ascii:strict", r"\xfc")])
def test_any_name_is_printed_and_a_refused_file_is_one_line(tmp_path, encoding, shown):
    (tmp_path / "loop").symlink_to("loop")
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", COMMAND], cwd=tmp_path, env=environment, capture_output=True)
    assert done.stdout.decode() == rf"\udcff.mp4 -> {shown}.swt" + "\n"
    (line,) = done.stderr.decode().splitlines()
    assert done.returncode == 1 and line.startswith("error: loop: ") and os.strerror(errno.ELOOP) in line
