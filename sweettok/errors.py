"""What is the user's to fix, said in one line; and names of files, which any terminal can show."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Why the system refuses a file that is there. Others, such as a file that is not, are said by who asks for it, or are bugs.
REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE, errno.ELOOP, errno.ENAMETOOLONG}


class InputError(ValueError):
    """Bad input: params, files, data. The message is one line that names the cause and the fix.

    Stages print it without a traceback and exit with status 1.
    """


@contextmanager
def naming_refused_files() -> Iterator[None]:
    """In the block, a file that the system refuses to open, list or write raises InputError with its name."""
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS or not isinstance(error.filename, str | bytes):
            raise
        name = os.fsencode(error.filename).decode("utf-8", "backslashreplace")
        raise InputError(f"{name}: {error.strerror}; check who may read and write it, or name another") from error


def print_any_name() -> None:
    """Print names that are no text in the terminal's encoding with \\u and \\x for what it lacks, and not fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
