"""Captions of single clips, from a file; without one, a class's name in words."""

import csv
import json
import re
from pathlib import Path

from sweettok.errors import InputError

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\s]+")


def in_words(class_name: str) -> str:
    """ApplyEyeMakeup, apply_eye_makeup -> apply eye makeup."""
    return " ".join(part.lower() for part in _WORD_START.split(class_name) if part) or class_name


def read_clip_captions(path: str | Path) -> dict[str, str]:
    """Clip -> caption of a .tsv (header with columns `clip` and `caption`) or .jsonl file (objects with these keys).

    A clip with several captions keeps its first. Raises InputError: absent, another ending, damaged, lacking a column.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read data.captions {path}: {getattr(error, 'strerror', None) or error}") from error
    lines = text.split("\n")
    if path.suffix == ".tsv":
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    elif path.suffix == ".jsonl":
        rows = [_parsed(line, path, number) for number, line in enumerate(lines, start=1) if line.strip()]
    else:
        raise InputError(f"data.captions {path} must be a .tsv or a .jsonl file")
    captions: dict[str, str] = {}
    for number, row in enumerate(rows, start=2 if path.suffix == ".tsv" else 1):
        clip, caption = (row.get(key) if isinstance(row, dict) else None for key in ("clip", "caption"))
        if not (isinstance(clip, str) and isinstance(caption, str) and caption.strip()):
            raise InputError(f"{path} line {number} lacks `clip` or `caption` (text)")
        captions.setdefault(clip, caption.strip())
    if not captions:
        raise InputError(f"{path} has no captions")
    return captions


def _parsed(line: str, path: Path, number: int) -> object:
    try:
        return json.loads(line)
    except ValueError as error:
        raise InputError(f"{path} line {number} is not valid JSON ({error})") from error


def caption_of(captions: dict[str, str], clip: str, file: str) -> str | None:
    """The caption listed for a clip's id, its file's id, or that without the ending, whichever is there first."""
    return next((captions[name] for name in (clip, file, file.rpartition(".")[0]) if name in captions), None)
