"""Which files the commands read, and where they write."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweettok.commands.files import Input, find_inputs, place_outputs, run_jobs
from sweettok.errors import InputError

ENDINGS = (".a", ".b")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("in/x.a", "in/deep/y.B", "in/z.txt", "in/.hidden/w.a", "in/[1].a", "empty/z.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")


def names(*arguments):
    return [(str(one.path), str(one.name)) for one in find_inputs(arguments, ENDINGS)]


def test_folders_files_and_globs():
    assert names("in") == [("in/[1].a", "[1].a"), ("in/deep/y.B", "deep/y.B"), ("in/x.a", "x.a")]
    assert names("in/x.a") == [("in/x.a", "x.a")]
    assert names("in/**/*.[bB]") == [("in/deep/y.B", "y.B")]
    assert names("in/[1].a") == [("in/[1].a", "[1].a")]  # a file of that name comes before the glob
    assert names("in/x.a", "in/*.a", "in")[0] == ("in/x.a", "x.a") and len(names("in/x.a", "in/*.a", "in")) == 3


def test_files_left_out_are_counted(caplog):
    assert len(names("in")) == 3
    (entry,) = caplog.records
    assert entry.getMessage().startswith("in: 1 ") and "1 .txt" in entry.getMessage()
    caplog.clear()
    assert len(names("in/*")) == 2 and "in/*: 1 file of" in caplog.text
    caplog.clear()
    assert len(names("in/deep", "in/x.a")) == 2 and not caplog.records


def test_globs_below_a_folder_that_looks_like_one(tmp_path):
    for name in ("set [1]/deep [ab]/v.a", "set 1/w.a", "odd*/u.a"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert names("set [1]/**/*.a") == [("set [1]/deep [ab]/v.a", "v.a")]
    assert names("set [1]/deep [ab]/?.a") == [("set [1]/deep [ab]/v.a", "v.a")]
    assert names("odd*/*.a") == [("odd*/u.a", "u.a")]
    assert names("set [0-9]/*.a") == [("set 1/w.a", "w.a")]  # no folder of that name


@pytest.fixture
def stdin(monkeypatch):
    """bytes -> what stdin holds from now on."""
    return lambda content: monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), "ascii"))


def test_a_list_on_stdin(stdin):
    stdin(b"in/x.a\n\n  in/deep \n")
    assert names("-") == [("in/x.a", "x.a"), ("in/deep/y.B", "y.B")]
    stdin(b"\n")
    with pytest.raises(InputError, match="stdin"):
        names("-")


def test_names_on_stdin_may_be_any_bytes(tmp_path, stdin):
    odd = [os.fsdecode(name) for name in (b"\xff.a", b" two words.a", b"line\nbreak.a", "ü.a".encode())]
    for name in odd:
        (tmp_path / name).touch()
    stdin(b"".join(os.fsencode(name) + b"\0" for name in odd))  # as find -print0
    assert names("-") == [(name, name) for name in odd]
    stdin(b"\xff.a\n" + "ü.a\n".encode())
    assert names("-") == [(odd[0], odd[0]), (odd[3], odd[3])]


@pytest.mark.parametrize("argument, named", [("empty", r"empty .*\.a \.b"), ("none*", r"none\* .*\.a \.b")])
def test_what_names_nothing(argument, named):
    with pytest.raises(InputError, match=named):
        names(argument)


def place(inputs, output, existing="refuse"):
    return [str(path) for _, path in place_outputs(inputs, output, lambda _: ".out", (".out",), existing)]


def test_outputs_keep_the_folders():
    assert place(find_inputs(["in"], ENDINGS), "to") == ["to/[1].out", "to/deep/y.out", "to/x.out"]
    assert place(find_inputs(["in/x.a"], ENDINGS), "one.out") == ["one.out"]


def test_outputs_that_cannot_be(tmp_path):
    inputs = find_inputs(["in"], ENDINGS)
    with pytest.raises(InputError, match=r"one\.out .*3 "):
        place(inputs, "one.out")
    twice = [Input(inputs[0].path, inputs[0].name), Input(inputs[1].path, inputs[0].name)]
    with pytest.raises(InputError, match=r"to/.*\.out"):
        place(twice, "to")
    (tmp_path / "x.out").write_text("mine")
    with pytest.raises(InputError, match=r"x\.out .*--force"):
        place(find_inputs(["in/x.a"], ENDINGS), "x.out")
    assert place(find_inputs(["in/x.a"], ENDINGS), "x.out", "overwrite") == ["x.out"]
    assert place(find_inputs(["in/x.a"], ENDINGS), "x.out", "keep") == []
    (tmp_path / "y.out").mkdir()
    with pytest.raises(InputError, match=r"y\.out .*folder"):
        place(find_inputs(["in/x.a"], ENDINGS), "y.out", "overwrite")


def test_an_output_below_a_file():
    with pytest.raises(InputError, match=r"in/x\.a/to/x\.out: .*in/x\.a "):
        place(find_inputs(["in/x.a"], ENDINGS), "in/x.a/to")


CLOSED = """
import os, sys
from pathlib import Path
import numpy
from sweettok.api.writing import ENDINGS, write_frames
from sweettok.commands.files import check_free
from sweettok.errors import InputError

os.chdir(sys.argv[1])
if os.getuid() == 0:  # root may write everywhere
    os.setuid(65534)
frames = numpy.zeros((2, 16, 16, 3), numpy.uint8)
for ending in ENDINGS:
    for refused in (lambda path: check_free(path, "refuse"), lambda path: write_frames(path, frames)):
        try:
            refused(Path("closed", "below", f"x{ending}"))
        except InputError as error:
            print(error)
"""


def test_a_folder_that_is_not_writable_is_refused_before_and_while_writing(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o555)
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", CLOSED, str(tmp_path)], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 8, done.stderr
    assert all(line.startswith("cannot write closed/below/x.") for line in lines)
    assert all(" is not writable" in line and line.endswith("choose another place") for line in lines[::2])


def test_one_failure_does_not_stop_the_others(capsys):
    def work(job):
        if job == 2:
            raise InputError("two is bad")
        return {"job": job}

    assert run_jobs([1, 2, 3], work, "test", False, lambda result: f"did {result['job']}") == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == ["did 1", "did 3"]
    assert err.splitlines() == ["error: two is bad", "error: 1 of 3 failed"]
    with pytest.raises(InputError, match="two is bad"):
        run_jobs([2], work, "test", False, str)


def test_a_file_that_may_not_be_read_does_not_stop_the_others(tmp_path, capsys):
    (tmp_path / "loop").symlink_to("loop")

    def work(job):
        return {"read": (tmp_path / job).read_text()}

    assert run_jobs(["loop", "in/x.a"], work, "test", False, str) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == ["{'read': ''}"] and "loop: " in err.splitlines()[0] and "1 of 2 failed" in err
