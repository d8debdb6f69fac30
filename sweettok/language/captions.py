"""Read captions from a text, table or JSON-lines file."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from sweettok.errors import InputError

_FORMATS = (
    ".txt (one caption a line), .tsv (with a `caption` column) or .jsonl (with a `caption` field), each also with .gz"
)


def read_captions(path: str | Path, split: str | None = None) -> list[str]:
    """Captions of a UTF-8 file in file order, surrounding space removed, blank ones left out, repeats kept.

    The name decides the format; any may end in `.gz`. `.txt` has one caption a line. `.tsv` has tab-separated columns
    under a header line that names one of them `caption` (no quoting: a quotation mark is part of the caption). `.jsonl`
    has one JSON object a line with a text field `caption`.

    split: only rows whose `split` column or field is this, e.g. "train"; None takes all rows.

    Raises InputError for a missing or unreadable file, another extension, a line that is not of its format (named by
    its number), no `caption` or no `split` where one is needed, or no caption at all.
    """
    path = Path(path)
    extension = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    readers = {".txt": _text_rows, ".tsv": _table_rows, ".jsonl": _json_rows}
    if extension not in readers:
        raise InputError(f"{path}: captions come from {_FORMATS}; rename or convert the file")
    needed = ("caption",) if split is None else ("caption", "split")
    try:
        with _open_text(path) as file:
            rows = list(readers[extension](file, path, needed))
    except FileNotFoundError as error:
        raise InputError(f"caption file {path} does not exist; give {_FORMATS}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"caption file {path} is not UTF-8 ({error.reason}); convert it") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read caption file {path} ({error}); check that it is whole and readable") from error
    captions = [caption for text, *of in rows if split in (None, *of) and (caption := text.strip())]
    if not captions and split is not None and rows:
        found = ", ".join(sorted({of for _, of in rows}))
        raise InputError(f"caption file {path} has no caption of split {split!r} (it has: {found}); name one of those")
    if not captions:
        raise InputError(f"caption file {path} holds no caption; give {_FORMATS}")
    return captions


def _open_text(path: Path) -> TextIO:
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig", newline=None)


def _text_rows(file: TextIO, path: Path, needed: tuple[str, ...]) -> Iterator[list[str]]:
    if "split" in needed:
        raise InputError(f"caption file {path} is plain text, which has no splits; set codebook.captions_split to null")
    return ([line] for line in file)


def _table_rows(file: TextIO, path: Path, needed: tuple[str, ...]) -> Iterator[list[str]]:
    rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    try:
        header = next(rows, [])
        if missing := [name for name in needed if name not in header]:
            found = ", ".join(header) or "nothing"
            raise InputError(f"caption file {path} has no `{missing[0]}` column (its header has: {found}); name it so")
        columns = [header.index(name) for name in needed]
        for row in rows:
            if row and len(row) <= max(columns):
                raise InputError(
                    f"caption file {path}, line {rows.line_num}: {len(row)} of {len(header)} columns; complete it"
                )
            if row:
                yield [row[column] for column in columns]
    except csv.Error as error:
        raise InputError(f"caption file {path}, line {rows.line_num}: {error}; correct the line") from error


def _json_rows(file: TextIO, path: Path, needed: tuple[str, ...]) -> Iterator[list[str]]:
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield _json_fields(line, f"caption file {path}, line {number}", needed)


def _json_fields(line: str, place: str, needed: tuple[str, ...]) -> list[str]:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is not JSON ({error}); correct or remove the line") from error
    if not isinstance(row, dict):
        raise InputError(f'{place} is not a JSON object; write one a line, such as {{"caption": "a red ball"}}')
    for name in needed:
        if not isinstance(row.get(name), str):
            found = ", ".join(row) or "nothing"
            raise InputError(f"{place} has no text field `{name}` (it has: {found}); name the field so")
    return [row[name] for name in needed]
