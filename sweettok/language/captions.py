"""Read captions from a text or table file."""

import csv
import gzip
import zlib
from pathlib import Path
from typing import TextIO

from sweettok.errors import InputError

_FORMATS = ".txt (one caption a line) or .tsv (with a `caption` column), or either with .gz"


def read_captions(path: str | Path) -> list[str]:
    """Captions of a UTF-8 file in file order, surrounding space removed, blank ones left out, repeats kept.

    The name decides the format: `.txt` has one caption a line, `.tsv` has tab-separated columns under a header line
    that names one of them `caption` (no quoting: a quotation mark is part of the caption). Either may end in `.gz`.

    Raises InputError for a missing or unreadable file, another extension, no `caption` column, or no caption at all.
    """
    path = Path(path)
    extension = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    readers = {".txt": _caption_lines, ".tsv": _caption_column}
    if extension not in readers:
        raise InputError(f"{path}: captions come from {_FORMATS}; rename or convert the file")
    try:
        with _open_text(path) as file:
            captions = [caption for text in readers[extension](file, path) if (caption := text.strip())]
    except FileNotFoundError as error:
        raise InputError(f"caption file {path} does not exist; give {_FORMATS}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"caption file {path} is not UTF-8 ({error.reason}); convert it") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read caption file {path} ({error}); check that it is whole and readable") from error
    if not captions:
        raise InputError(f"caption file {path} holds no caption; give {_FORMATS}")
    return captions


def _open_text(path: Path) -> TextIO:
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig", newline=None)


def _caption_lines(file: TextIO, path: Path) -> list[str]:
    return list(file)


def _caption_column(file: TextIO, path: Path) -> list[str]:
    rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(rows, [])
    if "caption" not in header:
        found = ", ".join(header) or "nothing"
        raise InputError(f"caption file {path} has no `caption` column (its header has: {found}); name the column so")
    column = header.index("caption")
    return [row[column] for row in rows if len(row) > column]
