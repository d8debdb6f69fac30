"""What the commands read and where they write: inputs from files, folders, globs and stdin; one job an input."""

import glob
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweettok.commands.arguments import Existing
from sweettok.errors import InputError, naming_refused_files
from sweettok.video.formats import is_hidden, with_endings

FIX = "--force to overwrite it, or --resume to keep it and make the others"


@dataclass(frozen=True)
class Input:
    """A file to read. name: its path below the folder that was given, or its own name: where its output goes."""

    path: Path
    name: Path


def find_inputs(arguments: Sequence[str], endings: tuple[str, ...]) -> list[Input]:
    """The files that the arguments name, each once: files as they are; of folders those with one of `endings`, at any
    depth, hidden ones left out; globs (`**` for any depth); `-`: those that stdin lists, a line or a zero byte after each.

    Logs how many files of other endings were left out. Raises InputError for an argument that names nothing.
    """
    found: dict[Path, Input] = {}
    for argument in arguments:
        for name in filter(None, _listed_on_stdin() if argument == "-" else [argument]):
            for one in _named(name, endings):
                found.setdefault(one.path.resolve(), one)
    if not found:
        raise InputError("the list on stdin is empty; give one path per line")
    return list(found.values())


def _listed_on_stdin() -> list[str]:
    """Bytes that are no text stay in the names. After `find -print0`, so do spaces and line breaks at their ends."""
    text = os.fsdecode(sys.stdin.buffer.read())
    return text.split("\0") if "\0" in text else [line.strip() for line in text.split("\n")]


def _named(argument: str, endings: tuple[str, ...]) -> list[Input]:
    path = Path(argument)
    if path.is_dir():
        inside = (one for one in sorted(path.rglob("*")) if not is_hidden(one.relative_to(path)))
        named = [Input(one, one.relative_to(path)) for one in with_endings(inside, endings, path)]
        if not named:
            raise InputError(f"{path} has no files with one of the endings {' '.join(endings)}; name another folder")
        return named
    if not path.exists() and glob.has_magic(argument):
        matches = sorted(Path(match) for match in glob.glob(_literal_where_it_exists(path), recursive=True))
        named = [Input(one, Path(one.name)) for one in with_endings(matches, endings, argument)]
        if not named:
            raise InputError(f"{argument} matches no files with one of the endings {' '.join(endings)}")
        return named
    return [Input(path, Path(path.name))]  # one that is absent is the reader's to refuse


def _literal_where_it_exists(pattern: Path) -> str:
    """The pattern with the folders that it begins with taken as they are: `set [1]/*.mp4`, where `set [1]` exists."""
    folder = next((folder for folder in pattern.parents if folder.exists()), Path())
    return str(Path(glob.escape(str(folder)), pattern.relative_to(folder)))


def place_outputs(
    inputs: Sequence[Input], output: str, ending: Callable[[Input], str], endings: tuple[str, ...], existing: Existing
) -> list[tuple[Input, Path]]:
    """Where each input's output goes: `output` itself where it has one of `endings`, else below it, with `ending(input)`.

    existing "keep": without those that are there. Raises InputError, before any work is done: one file for several inputs,
    two inputs with one output, an output that exists where `existing` is "refuse".
    """
    target = Path(output)
    if target.suffix.lower() in endings:
        if len(inputs) > 1:
            raise InputError(f"{target} is one file, but there are {len(inputs)} inputs; give a folder")
        placed = [(inputs[0], target)]
    else:
        placed = [(one, target / one.name.with_suffix(ending(one))) for one in inputs]
    first: dict[Path, Input] = {}
    for one, path in placed:
        if path in first:
            raise InputError(f"{first[path].path} and {one.path} would both become {path}; give them separate folders")
        first[path] = one
    return [job for job in placed if check_free(job[1], existing)]


def check_free(path: Path, existing: Existing, fix: str = FIX) -> bool:
    """Whether an output is to be written: not where it exists and is kept.

    Raises InputError where it exists and may not be overwritten (`fix`: options that settle it), or cannot be written.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file")
    if path.exists() and existing == "keep":
        return False
    if path.exists() and existing == "refuse":
        raise InputError(f"{path} exists; add {fix}")
    check_writable(path)
    return True


def check_writable(path: Path) -> None:
    """Raise InputError where the output `path` cannot be made: before the work whose result it is, not after it."""
    folder = next(folder for folder in path.parents if folder.exists())
    if not folder.is_dir():
        raise InputError(f"cannot write {path}: {folder} is a file, not a folder; choose another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"cannot write {path}: {folder} is not writable; choose another place")


def run_jobs(
    jobs: Sequence[Any], work: Callable[[Any], dict[str, Any]], verb: str, as_json: bool, line: Callable[[dict], str]
) -> int:
    """Do `work` for each job with a progress bar; the results as lines, or as one JSON list. Returns the exit status.

    A job that fails with an InputError among others costs one line and status 1, and the others go on; alone it raises.
    """
    from sweettok.progress import MINUTE, progress

    results, failed = [], 0
    bar = progress(jobs, verb, unit="file", delay=MINUTE, disable=len(jobs) == 1)
    for job in bar:
        try:
            with naming_refused_files():
                result = work(job)
        except InputError as error:
            if len(jobs) == 1:
                raise
            failed, result = failed + 1, {"error": str(error)}
            bar.write(f"error: {error}", file=sys.stderr)
        else:
            if not as_json:
                bar.write(line(result), file=sys.stdout)
        results.append(result)
    if as_json:
        print(json.dumps(results, indent=1))
    if failed:
        print(f"error: {failed} of {len(jobs)} failed", file=sys.stderr)
    return 1 if failed else 0
