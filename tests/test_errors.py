"""Files that the system refuses, and names that a terminal cannot show, cost one line and no traceback."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweettok.errors import REFUSALS, InputError, naming_refused_files

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("number", sorted(REFUSALS))
def test_a_refused_file_is_named(number):
    reason = os.strerror(number)
    with pytest.raises(InputError) as refused, naming_refused_files():
        raise OSError(number, reason, os.fsdecode(b"mine/\xff"))
    assert str(refused.value).startswith(rf"mine/\xff: {reason}; check")


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError(errno.ENOENT, "No such file", "gone"), PermissionError(errno.EPERM, "of no file"), KeyError(1)],
)
def test_what_may_be_a_bug_stays_what_it_is(error):
    with pytest.raises(type(error)) as raised, naming_refused_files():
        raise error
    assert raised.value is error


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
