"""What is the user's to fix, said in one line, whatever the names of files in it; and counts in words."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Why the system refuses a file that is there. Others, such as a file that is not, are said by who asks for it, or are bugs.
REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE, errno.ELOOP, errno.ENAMETOOLONG}
PIPE_CLOSED = 141  # 128 + SIGPIPE


class InputError(ValueError):
    """Bad input: params, files, data. The message is one line that names the cause and the fix.

    Stages print it without a traceback and exit with status 1.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


def one_line(text: object) -> str:
    """A name of a user's file, or a message with such, as one printable line: line breaks and the like are escaped, and so
    are bytes of names that are no text."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in str(text))


def _escaped(letter: str) -> str:
    byte = ord(letter) - 0xDC00  # that Python found in a file's name where it expected UTF-8
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else repr(letter)[1:-1]


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 frame`, `2,000 frames`, `3 classes`; plural: of nouns that take another."""
    plural = plural or noun + ("es" if noun.endswith("s") else "s")
    return f"{number:,} {noun if number == 1 else plural}"


def first_line(error: BaseException, most: int | None = None) -> str:
    """The first line of an error's message, cut to `most` letters; of an empty one the error's type."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:most]


def on_one_line(error: BaseException, most: int | None = None) -> str:
    """All of an error's message on one line, cut to `most` letters."""
    return " ".join(str(error).split())[:most]


@contextmanager
def naming_absent_device(device: object) -> Iterator[None]:
    """Raise InputError in place of torch's own error for a device that is not here, or that it is not compiled for."""
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {device!r} cannot be used ({first_line(error)}); use cpu") from error


def out_of_memory(error: Exception) -> bool:
    """Of Python and NumPy, of torch on an accelerator, or of torch's allocator on the CPU, which says it in words only."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return bool(kinds & {"MemoryError", "OutOfMemoryError"}) or "can't allocate memory" in str(error)


@contextmanager
def naming_refused_files() -> Iterator[None]:
    """In the block, a file that the system refuses to open, list or write raises InputError with its name."""
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS or not isinstance(error.filename, str | bytes):
            raise
        raise InputError(f"{os.fsdecode(error.filename)}: {refusal(error, 'check the disk and the name')}") from error


def refusal(error: OSError, remedy: str) -> str:
    """Why the system refuses a file, and what to do. Of permissions: whose, the first on the way to the file that keep this
    user out; of anything else, `remedy`."""
    if error.errno not in (errno.EACCES, errno.EPERM) or error.filename is None:
        return f"{error.strerror}; {remedy}"
    path = Path(os.fsdecode(error.filename))
    closed = next((folder for folder in reversed(path.parents) if not os.access(folder, os.X_OK)), path)
    if closed == path and not path.exists():
        closed = path.parent
    return f"{error.strerror}; change the permissions of {closed}, which belongs to {_owner(closed)}"


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, OSError, NotImplementedError):  # of no user here; gone; a system without owners
        return "another user"


@contextmanager
def ending_with_the_reader() -> Iterator[None]:
    """End the process quietly, with the status of a shell's own commands, where the reader of its output is gone.

    Flushed is in the block: a short output would else fail only when Python ends, with a message that nothing can catch.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):  # Python flushes what is left of them when it ends
            with suppress(OSError, ValueError):  # of tests, which have no descriptor
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        sys.exit(PIPE_CLOSED)


def print_any_name() -> None:
    """Print names that are no text in the terminal's encoding with \\u and \\x for what it lacks, and not fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
