"""The command as a whole: fast help, exit statuses, completion; and `import sweettok`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sweettok
from sweettok import cli

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "numpy", "transformers", "mlflow", "pandas", "av", "pydantic", "huggingface_hub", "tqdm", "yaml"}


def python(code):
    """Standard output of code in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import sweettok",
        "from sweettok.cli import build_parser; build_parser().format_help()",
        "import sweettok; dir(sweettok); hasattr(sweettok, 'nothing')",
    ],
)
def test_nothing_heavy_is_imported_early(code):
    loaded = json.loads(python(f"import json, sys; {code}; print(json.dumps(sorted(sys.modules)))"))
    assert not HEAVY & set(loaded)


def test_names_come_when_they_are_asked_for():
    assert set(sweettok.__all__) <= set(dir(sweettok))
    assert [getattr(sweettok, name).__name__ for name in sweettok.__all__] == sweettok.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sweettok.nothing  # noqa: B018


def parsers():
    (action,) = (action for action in cli.build_parser()._actions if action.dest == "command")
    return action.choices


def commands():
    return list(parsers())


def test_every_promised_command_has_help(capsys):
    promised = {"encode", "decode", "reconstruct", "words", "generate", "metrics", "codebook", "profile", "doctor"}
    assert promised | {
        "compare",
        "check",
        "assets",
        "export",
        "completion",
        "evaluate",
        "tokenizers",
        "new",
        "protocols",
        "report",
        "text-clips",
    } == set(commands())
    for command in commands():
        with pytest.raises(SystemExit) as ended:
            cli.main([command, "--help"])
        assert ended.value.code == 0 and f"sweettok {command}" in capsys.readouterr().out
        assert parsers()[command].description


def test_python_m_sweettok_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "sweettok", "words", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0 and "usage: sweettok words" in done.stdout and "\nPrint the words that" in done.stdout


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["encode"], ["metrics", "one"], ["encode", "a", "--dtype", "int8"]]
)
def test_wrong_usage_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2 and "usage: " in capsys.readouterr().err


def test_an_interrupt_is_status_130(monkeypatch, capsys):
    def interrupted(chosen):
        raise KeyboardInterrupt

    monkeypatch.setattr("sweettok.commands.assets._assets", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main(["assets"])
    assert ended.value.code == 130 and "run the same command again" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", ["profile list", "profile show sprites", "completion bash"])
def test_a_reader_that_leaves_ends_the_command_quietly(arguments):
    """The pipe is closed before the command prints, whatever its output's length."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "sweettok.cli", *arguments.split()]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_scripts_name_the_commands(shell, capsys):
    cli.main(["completion", shell])
    script = capsys.readouterr().out
    assert all(command in script for command in commands())


def test_the_bash_script_completes(capsys, tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    cli.main(["completion", "bash"])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    ask = 'source "$0"; COMP_WORDS=(sweettok recon); COMP_CWORD=1; $(complete -p sweettok | sed "s/.*-F \\([^ ]*\\).*/\\1/"); echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", ask, tmp_path / "script"], capture_output=True, text=True)
    assert done.stdout.split() == ["reconstruct"], done.stderr
