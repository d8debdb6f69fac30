"""Tokenizers by name: those of params.tokenizers, and those that installed packages offer as entry points.

A factory is a function or a class: factory(name=..., frames=..., size=..., **options) -> ClipTokenizer. Params name it as
"package.module:function", a package in its pyproject.toml:

    [project.entry-points."sweettok.tokenizers"]
    patch_means = "my_package.tokenizers:PatchMeans"
"""

import inspect
import math
import re
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import NoneType
from typing import Any

from sweettok.errors import InputError, on_one_line, out_of_memory
from sweettok.metrics.addresses import function_at
from sweettok.params import TokenizerEntry
from sweettok.tokenizers.base import ClipTokenizer, VariableRate

GROUP = "sweettok.tokenizers"
GIVEN = ("name", "frames", "size")  # what every factory is called with
PROPERTIES: dict[str, tuple[Any, str]] = {  # what isinstance takes, and its words
    "name": (str, "text"),
    "frames": (int, "a whole number"),
    "size": (int, "a whole number"),
    "fingerprint": (str, "the hex sha256 of weights and settings, 64 lower-case digits"),
    "parameter_count": (int, "a whole number"),
    "bits_per_clip": ((int, float, NoneType), "a number of bits, or None where it depends on the clip"),
}


def registered(entries: Mapping[str, TokenizerEntry]) -> dict[str, str]:
    """Name -> its factory, of params.tokenizers first. Raises InputError where two claim one name."""
    offered = _offered()
    return {name: _source(name, entry, offered) for name, entry in entries.items()} | {
        name: point.value for name, point in offered.items() if name not in entries
    }


def open_tokenizer(name: str, entries: Mapping[str, TokenizerEntry], frames: int, size: int) -> ClipTokenizer:
    """The tokenizer of that name, for clips of `frames` frames of size x size.

    Raises InputError: unknown name or option, a factory that does not import or fails, an object that is not a tokenizer or
    is one for other clips, a property of another type.
    """
    known = registered(entries)
    if name not in known:
        raise InputError(
            f"tokenizer {name!r} is unknown; choose one of {', '.join(known)}, or add it to params.tokenizers"
        )
    options = entries[name].options if name in entries else {}
    tokenizer = _call(name, _imported(name, known[name]), frames, size, options)
    try:
        return _checked(name, tokenizer, frames, size)
    except InputError:
        raise
    except Exception as error:  # whatever its properties raise
        raise InputError(
            f"tokenizers.{name}: {type(error).__name__} when asked for its properties: {on_one_line(error, 200)}"
        ) from error


def _offered() -> dict[str, EntryPoint]:
    """Name -> entry point of the installed packages."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if point.name in found and point.value != found[point.name].value:
            first, second = (_package(one) for one in (found[point.name], point))
            raise InputError(
                f"tokenizer {point.name!r} is given twice, by {first} and by {second}; uninstall one of them"
            )
        found[point.name] = point
    return found


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _source(name: str, entry: TokenizerEntry, offered: Mapping[str, EntryPoint]) -> str:
    if entry.factory and name in offered:
        package = _package(offered[name])
        raise InputError(
            f"tokenizer {name!r} is given twice, by params.tokenizers and by {package}; rename or drop the first"
        )
    if not entry.factory and name not in offered:
        raise InputError(
            f"tokenizers.{name} has no factory and no installed package offers it; give factory: package.module:function"
        )
    return entry.factory or offered[name].value


def _imported(name: str, factory: str) -> Callable[..., Any]:
    fixes = "install its package, or set PYTHONPATH", "name one that makes a tokenizer"
    return function_at(factory, f"tokenizers.{name}: {factory}", *fixes)


def _call(name: str, factory: Callable[..., Any], frames: int, size: int, options: Mapping[str, Any]) -> Any:
    given = {"name": name, "frames": frames, "size": size}
    try:
        inspect.signature(factory).bind(**given, **options)
    except TypeError as error:
        allowed = [key for key in inspect.signature(factory).parameters if key not in GIVEN]
        raise InputError(
            f"tokenizers.{name}: {on_one_line(error, 200)}; its options are: {', '.join(allowed) or 'none'}"
        ) from error
    try:
        return factory(**given, **options)
    except InputError as error:
        raise InputError(f"tokenizers.{name}: {error}") from error
    except Exception as error:  # whatever another's code raises
        if out_of_memory(error):
            raise
        raise InputError(
            f"tokenizers.{name}: {type(error).__name__}: {on_one_line(error, 200)}; check its options"
        ) from error


def _checked(name: str, tokenizer: Any, frames: int, size: int) -> ClipTokenizer:
    if not isinstance(tokenizer, ClipTokenizer):
        wanted = sorted(key for key in vars(ClipTokenizer) if not key.startswith("_"))
        absent = [key for key in wanted if not hasattr(tokenizer, key)]
        raise InputError(
            f"tokenizers.{name}: {type(tokenizer).__name__} is not a ClipTokenizer: it lacks {', '.join(absent)}"
        )
    for key, (allowed, what) in PROPERTIES.items():
        value: Any = getattr(tokenizer, key)
        if not (isinstance(value, allowed) and _possible(key, value)):
            raise InputError(f"tokenizers.{name}: {key} is {value!r:.80}; expected {what}")
    if tokenizer.bits_per_clip is None and not isinstance(tokenizer, VariableRate):
        raise InputError(
            f"tokenizers.{name}: bits_per_clip is None, but {type(tokenizer).__name__} has no sizes(tokens)"
        )
    if (tokenizer.frames, tokenizer.size) != (frames, size):
        raise InputError(
            f"tokenizers.{name} takes clips of {tokenizer.frames}x{tokenizer.size}x{tokenizer.size}, not of {frames}x{size}x{size}; "
            "train it for them, or set data.frames and data.size"
        )
    return tokenizer


def _possible(key: str, value: Any) -> bool:
    if key == "fingerprint":
        return re.fullmatch("[0-9a-f]{64}", value) is not None
    if key == "bits_per_clip":
        return value is None or (math.isfinite(value) and value >= 0)
    return True
