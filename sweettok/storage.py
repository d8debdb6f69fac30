"""Files on disk: all-or-nothing writes, checksums, JSON."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sweettok.errors import InputError


def _temporary_sibling(path: Path) -> Path:
    """A name beside `path` (same file system, so that the final rename is atomic)."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; make {path.parent} a writable folder") from error
    return path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.partial"


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name; on success it is renamed to `path`, on any error it is deleted.

    Raises InputError where the folder cannot be written.
    """
    path = Path(path)
    temporary = _temporary_sibling(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}; check permissions and free space") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it replaces `path` whole, on any error it is deleted.

    Raises InputError where the parent folder cannot be written.
    """
    path = Path(path)
    temporary = _temporary_sibling(path)
    try:
        temporary.mkdir()
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}; check permissions and free space") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sha256_of(path: str | Path) -> str:
    """Hex SHA-256 of a file's bytes, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def write_json(path: str | Path, content: Any) -> None:
    """Write `content` as indented JSON, all or nothing. NaN and infinity are refused: JSON has neither."""
    text = json.dumps(content, indent=1, allow_nan=False)
    with atomic_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Parse a JSON file. Raises InputError (absent, damaged) naming the file."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; run `dvc repro` for the stage that makes it") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}); delete it and run `dvc repro`") from error
