"""Captions of single clips, from a file; without one, a class's name in words."""

import re
from pathlib import Path

from sweettok.errors import InputError
from sweettok.language.captions import read_rows

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\s]+")


def in_words(class_name: str) -> str:
    """ApplyEyeMakeup, apply_eye_makeup -> apply eye makeup."""
    return " ".join(part.lower() for part in _WORD_START.split(class_name) if part) or class_name


def read_clip_captions(path: str | Path) -> dict[str, str]:
    """Clip -> caption of a .tsv or .jsonl file with the fields `clip` and `caption` (see language.captions.read_rows).

    A clip with several captions keeps its first. Raises InputError: where `read_rows` does, a blank caption, no row.
    """
    captions: dict[str, str] = {}
    for row in read_rows(path, ("clip", "caption")):
        clip, caption = row.fields
        if not caption.strip():
            raise InputError(
                f"caption file {path}, line {row.line}: the caption of {clip!r} is empty; write one or remove the line"
            )
        captions.setdefault(clip, caption.strip())
    if not captions:
        raise InputError(f"caption file {path} has no captions; set data.captions to a file with some, or to null")
    return captions


def caption_of(captions: dict[str, str], clip: str, file: str) -> str | None:
    """The caption listed for a clip's id, its file's id, or that without the ending, whichever is there first."""
    return next((captions[name] for name in (clip, file, file.rpartition(".")[0]) if name in captions), None)
