"""Files on disk: all-or-nothing writes, checksums, JSON."""

import errno
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sweettok.errors import InputError, first_line, refusal

SEAL = "seal"
PARTIAL, FORMER = "partial", "former"  # what is being written, and what it replaces
_UNNAMED_WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # write(2) fails without naming the file
# Of libraries that write by themselves, what they say of a write that failed: NumPy, safetensors, torch.
_WORDS_OF_WRITE_ERRORS = (" requested and ", "(os error ", "inline_container.cc", "PytorchStreamWriter")


def _sibling(path: Path, kind: str) -> Path:
    """A name beside `path` (same file system, so that renaming is atomic) that says which process it belongs to."""
    return path.parent / f".{path.name}.{os.getpid():08x}.{kind}"


def _delete_leftovers(path: Path, kind: str) -> None:
    """Delete the siblings of a kind that killed runs have left; those of other processes at work stay."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}.{kind}"):
        if _at_work(leftover):
            continue
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _at_work(leftover: Path) -> bool:
    """Whether another process of this machine that lives has made it: one with its number that is older than it."""
    import psutil

    number = int(leftover.name.split(".")[-2], 16)
    try:
        return number != os.getpid() and psutil.Process(number).create_time() <= leftover.stat().st_mtime
    except (psutil.Error, FileNotFoundError):
        return False


def _new_partial(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {refusal(error, f'make {path.parent} a writable folder')}") from error
    _delete_leftovers(path, PARTIAL)
    return _sibling(path, PARTIAL)


@contextmanager
def _naming_write_errors(path: Path, temporary: Path) -> Iterator[None]:
    """Turn a failed write of `temporary` into an InputError about `path`; errors about other things pass unchanged."""
    try:
        yield
    except Exception as error:
        if not _failed_write(error, temporary):
            raise
        remedy = "check permissions and free space"
        if isinstance(error, OSError) and error.strerror:
            reason = refusal(error, remedy)
        else:
            reason = f"{first_line(error)}; {remedy}"
        raise InputError(f"cannot write {path}: {reason}") from error


def _failed_write(error: Exception, temporary: Path) -> bool:
    name = getattr(error, "filename", None)
    if isinstance(name, str | os.PathLike):
        return Path(os.path.abspath(name)).is_relative_to(os.path.abspath(temporary))
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _UNNAMED_WRITE_ERRORS
    return not isinstance(error, InputError) and any(words in str(error) for words in _WORDS_OF_WRITE_ERRORS)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield the name of a new, empty file; on success it is renamed to `path`, on any error it is deleted.

    Who may read it is for the umask to say, whatever wrote it: safetensors since 0.8.1 leaves files to their owner alone.
    Raises InputError where the file cannot be written.
    """
    path = Path(path)
    temporary = _new_partial(path)
    try:
        with _naming_write_errors(path, temporary):
            temporary.touch()  # refused now where it would be after the work
            mode = temporary.stat().st_mode
            yield temporary
            temporary.chmod(mode)
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it replaces `path` whole, on any error it is deleted.

    At every moment `path` or, for the instant of the exchange, a sibling `.<name>.<8 digits>.former` holds the former
    content whole. Raises InputError where the folder cannot be written, or a file stands in its place.
    """
    path = Path(path)
    temporary = _new_partial(path)
    if path.exists() and not path.is_dir():
        raise InputError(f"cannot write {path}: a file stands where a folder must be; move it away")
    try:
        with _naming_write_errors(path, temporary):
            temporary.mkdir()
            yield temporary
            _readable_as_folder(temporary)
            _exchange(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _readable_as_folder(folder: Path) -> None:
    """Give the files of a new folder the mode that the umask gave the folder (`atomic_file` says why)."""
    mode = folder.stat().st_mode & 0o666
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(mode)


def _exchange(temporary: Path, path: Path) -> None:
    """Put the folder `temporary` in the place of `path`; folders, unlike files, cannot be renamed over one another."""
    if path.exists():
        _delete_leftovers(path, FORMER)  # maybe under our number, of a process that has had it before
        former = _sibling(path, FORMER)
        os.replace(path, former)
        try:
            os.replace(temporary, path)
        except BaseException:
            os.replace(former, path)
            raise
    else:
        os.replace(temporary, path)
    _delete_leftovers(path, FORMER)


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


def write_sealed(path: str | Path, content: dict[str, Any]) -> None:
    """`write_json` of a dict with its own checksum in it, under the key `seal`, for `read_sealed`."""
    write_json(path, content | {SEAL: _seal(content)})


def read_sealed(path: str | Path, remedy: str = "delete its folder and run `dvc repro`") -> dict[str, Any]:
    """What `write_sealed` wrote, without the seal. Raises InputError naming the file: absent, damaged, not sealed."""
    content = read_json(path)
    if not isinstance(content, dict) or content.pop(SEAL, None) != _seal(content):
        raise InputError(f"{path} is damaged, or of an earlier version without seal (its checksum differs); {remedy}")
    return content


def _seal(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_json(path: str | Path, maker: str = "dvc repro") -> Any:
    """Parse a JSON file, which the command `maker` writes. Raises InputError (absent, damaged) naming the file."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; run `{maker}`, which makes it") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}); delete it and run `{maker}`") from error
