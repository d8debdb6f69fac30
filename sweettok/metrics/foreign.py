"""Metrics of other packages, held to what they declare: what breaks it is one line that names the metric.

Also the words for what the code of others gives and raises.
"""

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from sweettok.errors import InputError, counted, on_one_line, out_of_memory
from sweettok.metrics.record import is_record

PAIRS = "compute(a, b) gives a floating-point tensor (B,) of finite numbers, one a clip"
SAMPLES = "compute(samples) gives a dict of names to records (sweettok.metrics.record.record)"


def held_to_pairs(name: str, compute: Callable[[Tensor, Tensor], Any]) -> Callable[[Tensor, Tensor], Tensor]:
    """A metric of pairs that works on copies of its clips, so that it may write into them, and gives (B,) finite numbers.

    What comes back raises InputError where `compute` raises or gives anything else.
    """

    def checked(a: Tensor, b: Tensor) -> Tensor:
        values = _called(name, PAIRS, compute, a.clone(), b.clone())
        if not (isinstance(values, Tensor) and values.is_floating_point() and values.shape == (len(a),)):
            raise InputError(f"metric {name}: of {counted(len(a), 'pair')} got {described(values)}; {PAIRS}")
        if len(strange := values[~values.isfinite()]):
            raise InputError(f"metric {name}: got {strange[0].item()}; {PAIRS}")
        return values.detach()

    return checked


def held_to_samples(name: str, compute: Callable[[Any], Any]) -> Callable[[Any], dict[str, dict]]:
    """A metric of samples that gives records by name.

    What comes back raises InputError where `compute` raises or gives anything else.
    """

    def checked(samples: Any) -> dict[str, dict]:
        found = _called(name, SAMPLES, compute, samples)
        if not (isinstance(found, dict) and all(map(is_record, found.values()))):
            raise InputError(f"metric {name}: got {described(found)}; {SAMPLES}")
        return found

    return checked


def _called(name: str, asked: str, compute: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return compute(*arguments)
    except InputError as error:
        raise InputError(f"metric {name}: {error}") from error
    except Exception as error:  # whatever another's code raises
        if out_of_memory(error):
            raise  # the stage says what to lower
        raise InputError(f"metric {name}: {raised(compute, error)}; {asked}") from error


def described(value: Any) -> str:
    """The type and shape of a tensor, the type of anything else."""
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def raised(code: Any, error: Exception) -> str:
    """`raised KeyError in FILE:LINE: ...`. code: the class or function whose file is named, for who has to mend it."""
    return f"raised {type(error).__name__}{_last_line_in(code, error)}: {on_one_line(error, 200)}"


def _last_line_in(code: Any, error: Exception) -> str:
    """` in FILE:LINE`: where the code's own file was when an error was raised."""
    code = inspect.unwrap(code)  # of torch.no_grad
    try:
        own = inspect.getfile(getattr(code, "func", code))  # of functools.partial
    except (TypeError, OSError):  # built in, or from a notebook
        return ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    return f" in {Path(own).name}:{lines[-1]}" if lines else ""
