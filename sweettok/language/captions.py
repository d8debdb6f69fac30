"""Read captions, and what else a row says of them, from a text, table or JSON-lines file."""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from sweettok.errors import InputError
from sweettok.params import Codebook

_FORMATS = (
    ".txt (one caption a line), .tsv (with a `caption` column) or .jsonl (with a `caption` field), each also with .gz"
)


@dataclass(frozen=True)
class CaptionRow:
    """The fields that were asked for, in that order, and where in the file they stand (line: from 1)."""

    line: int
    fields: tuple[str, ...]


def read_captions(path: str | Path, split: str | None = None) -> list[str]:
    """Captions of a file that `read_rows` reads, in file order, surrounding space removed, blank ones left out.

    Repeats are kept. split: only rows whose `split` column or field is this, e.g. "train"; None takes all rows.

    Raises InputError where `read_rows` does, or where there is no caption (of that split).
    """
    rows = [row.fields for row in read_rows(path, ("caption",) if split is None else ("caption", "split"))]
    captions = [caption for text, *of in rows if split in (None, *of) and (caption := text.strip())]
    if not captions and split is not None and rows:
        found = ", ".join(sorted({of for _, of in rows}))
        raise InputError(f"caption file {path} has no caption of split {split!r} (it has: {found}); name one of those")
    if not captions:
        raise InputError(f"caption file {path} holds no caption; give {_FORMATS}")
    return captions


def codebook_captions(settings: Codebook, own: Callable[[], list[str]]) -> list[str]:
    """The captions that a codebook's words are taken from: those of the file that it names, or else the data's `own`."""
    return own() if settings.captions is None else read_captions(settings.captions, settings.captions_split)


def read_rows(path: str | Path, fields: tuple[str, ...]) -> list[CaptionRow]:
    """All rows of a UTF-8 file, in file order: the named fields of each, such as ("clip", "caption"), as they stand.

    The name decides the format; any may end in `.gz`. `.txt` has one caption a line and no other field. `.tsv` has
    tab-separated columns under a header line that names them (no quoting: a quotation mark is part of the text).
    `.jsonl` has one JSON object a line, the fields being texts. Lines without anything are passed over in both.

    Raises InputError for a missing or unreadable file, another extension, a line that is not of its format or lacks a
    field (named by its number).
    """
    path = Path(path)
    extension = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    readers = {".txt": _text_rows, ".tsv": _table_rows, ".jsonl": _json_rows}
    if extension not in readers:
        raise InputError(f"{path}: captions come from {_FORMATS}; rename or convert the file")
    try:
        with _open_text(path) as file:
            return list(readers[extension](file, path, fields))
    except FileNotFoundError as error:
        raise InputError(f"caption file {path} does not exist; give {_FORMATS}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"caption file {path} is not UTF-8 ({error.reason}); convert it") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read caption file {path} ({error}); check that it is whole and readable") from error


def _open_text(path: Path) -> TextIO:
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig", newline=None)


def _text_rows(file: TextIO, path: Path, fields: tuple[str, ...]) -> Iterator[CaptionRow]:
    if further := [name for name in fields if name != "caption"]:
        remedy = "give a .tsv or .jsonl file"
        remedy += ", or set codebook.captions_split to null" if further == ["split"] else ""
        raise InputError(f"caption file {path} is plain text, which has no `{further[0]}`; {remedy}")
    for number, line in enumerate(file, start=1):
        yield CaptionRow(number, (line,))


def _table_rows(file: TextIO, path: Path, fields: tuple[str, ...]) -> Iterator[CaptionRow]:
    rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    try:
        header = next(rows, [])
        if missing := [name for name in fields if name not in header]:
            found, remedy = ", ".join(header) or "nothing", "name it so"
            if len(header) == 1 and any(mark in header[0] for mark in ",;"):
                remedy = "put tabs between columns, or give a .jsonl file"
            raise InputError(f"caption file {path} has no `{missing[0]}` column (its header has: {found}); {remedy}")
        columns = [header.index(name) for name in fields]
        for row in rows:
            if row and len(row) <= max(columns):
                raise InputError(
                    f"caption file {path}, line {rows.line_num}: {len(row)} of {len(header)} columns; complete it"
                )
            if row:
                yield CaptionRow(rows.line_num, tuple(row[column] for column in columns))
    except csv.Error as error:
        raise InputError(f"caption file {path}, line {rows.line_num}: {error}; correct the line") from error


def _json_rows(file: TextIO, path: Path, fields: tuple[str, ...]) -> Iterator[CaptionRow]:
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield CaptionRow(number, _json_fields(line, f"caption file {path}, line {number}", fields))


def _json_fields(line: str, place: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is not JSON ({error}); correct or remove the line") from error
    if not isinstance(row, dict):
        raise InputError(f'{place} is not a JSON object; write one a line, such as {{"caption": "a red ball"}}')
    for name in fields:
        if not isinstance(row.get(name), str):
            found = ", ".join(row) or "nothing"
            raise InputError(f"{place} has no text field `{name}` (it has: {found}); name the field so")
    return tuple(row[name] for name in fields)
