"""Steps compiled as a whole: losses as one graph, with their gradients, captured for replay on a GPU."""

import logging
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sweettok.errors import first_line
from sweettok.params import Machine

log = logging.getLogger(__name__)
Losses = tuple[Tensor, dict[str, Tensor]]


def compiles(machine: Machine, device: torch.device) -> bool:
    """Whether `machine` has steps compiled on this device. `auto`: on GPUs; on a CPU it wins less than it takes."""
    return device.type == "cuda" if machine.compile == "auto" else machine.compile


class Compiled:
    """A function as one compiled graph, once for each value of its whole-number arguments, with its backward pass. The log
    says how long that took.

    Where compiling fails, one line in the log says why, and the function runs as it is.

    Args:
        name: for the log.
        options: further ones of torch.compile.
    """

    def __init__(self, plain: Callable[..., Any], name: str, **options: Any) -> None:
        self.plain, self.name, self.known = plain, name, set[tuple[int, ...]]()
        self.compiled: Callable[..., Any] | None = torch.compile(plain, fullgraph=True, dynamic=False, **options)

    def __call__(self, *given: Any) -> Any:
        if self.compiled is None:
            return self.plain(*given)
        start, phase = time.perf_counter(), tuple(value for value in given if isinstance(value, int))
        if phase in self.known:
            return self.compiled(*given)
        try:
            # With its backward pass, which otherwise is compiled, and fails, only when a gradient is asked for.
            with torch._functorch.config.patch(force_non_lazy_backward_lowering=True):
                result = self.compiled(*given)
        except Exception as error:  # a compiler's may be of any kind; a mistake in the step itself comes again
            cause = first_line(getattr(error, "inner_exception", error))  # a compiler's own message
            log.warning("%s: not compiled (%s); its steps run eagerly", self.name, cause)
            self.compiled = None
            return self.plain(*given)
        self.known.add(phase)
        log.info("%s: compiled in %.0f s", self.name, time.perf_counter() - start)
        return result


class CompiledLosses(Compiled):
    """A task's `compute`, compiled once for each phase of its losses, and on a GPU captured for replay."""

    def __call__(self, *given: Any) -> Losses:
        torch.compiler.cudagraph_mark_step_begin()
        loss, metrics = super().__call__(*given)
        if self.compiled is None:
            return loss, metrics
        # The next replay overwrites what this one gave.
        return loss.clone(), {name: value.detach().clone() for name, value in metrics.items()}
