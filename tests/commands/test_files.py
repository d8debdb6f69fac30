"""Which files the commands read, and where they write."""

import io

import pytest

from sweettok.commands.files import Input, find_inputs, place_outputs, run_jobs
from sweettok.errors import InputError

ENDINGS = (".a", ".b")


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
    assert [entry.getMessage() for entry in caplog.records] == ["in: 1 files of other kinds are left out (1 .txt)"]
    caplog.clear()
    assert len(names("in/*")) == 2 and "in/*: 1 files" in caplog.text
    caplog.clear()
    assert len(names("in/deep", "in/x.a")) == 2 and not caplog.records


def test_a_list_on_stdin(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("in/x.a\n\n  in/deep \n"))
    assert names("-") == [("in/x.a", "x.a"), ("in/deep/y.B", "y.B")]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(InputError, match="the list on stdin is empty"):
        names("-")


@pytest.mark.parametrize(
    "argument, named", [("empty", "holds no file of .a .b"), ("none*", "matches no file of .a .b")]
)
def test_what_names_nothing(argument, named):
    with pytest.raises(InputError, match=named):
        names(argument)


def place(inputs, output, force=False):
    return [str(path) for _, path in place_outputs(inputs, output, lambda _: ".out", (".out",), force)]


def test_outputs_keep_the_folders():
    assert place(find_inputs(["in"], ENDINGS), "to") == ["to/[1].out", "to/deep/y.out", "to/x.out"]
    assert place(find_inputs(["in/x.a"], ENDINGS), "one.out") == ["one.out"]


def test_outputs_that_cannot_be(tmp_path):
    inputs = find_inputs(["in"], ENDINGS)
    with pytest.raises(InputError, match="one.out is one file for 3 inputs; give a folder"):
        place(inputs, "one.out")
    twice = [Input(inputs[0].path, inputs[0].name), Input(inputs[1].path, inputs[0].name)]
    with pytest.raises(InputError, match="would both become"):
        place(twice, "to")
    (tmp_path / "x.out").write_text("mine")
    with pytest.raises(InputError, match=r"x.out exists; add --force"):
        place(find_inputs(["in/x.a"], ENDINGS), "x.out")
    assert place(find_inputs(["in/x.a"], ENDINGS), "x.out", force=True) == ["x.out"]
    (tmp_path / "y.out").mkdir()
    with pytest.raises(InputError, match="y.out is a folder"):
        place(find_inputs(["in/x.a"], ENDINGS), "y.out", force=True)


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
