"""Functions by address, `package.module:function`: what params and packages name them by."""

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

from sweettok.errors import InputError, on_one_line


def function_at(address: str, said: str, if_absent: str, if_other: str) -> Callable[..., Any]:
    """The function or class there, imported.

    Raises InputError, which begins with `said`: it cannot be imported (and the fix `if_absent`), it is something else (`if_other`).
    """
    try:
        found = resolve_name(address)
    except Exception as error:  # whatever the module raises when it is imported
        reason = f"{type(error).__name__}: {on_one_line(error, 200)}"
        raise InputError(f"{said} cannot be imported ({reason}); {if_absent}") from error
    if not callable(found):
        raise InputError(f"{said} is not a function; {if_other}")
    return found
