"""A step compiles as one graph, and then computes what it computed before."""

import logging
from functools import partial

import pytest
import torch

from sweettok.params import Machine
from sweettok.training.compilation import Compiled, compiles

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def _nothing_compiled():
    torch.compiler.reset()


def gradients(task, step):
    torch.manual_seed(7)
    loss, metrics = task.loss(task.dataset[torch.arange(3)], step)
    loss.backward()
    assert all(not value.requires_grad for value in metrics.values())
    return [loss.detach(), *(parameter.grad for parameter in task.trainable() if parameter.grad is not None)]


@pytest.mark.parametrize(
    "name, backend",
    [*((name, "aot_eager") for name in ("judge", "proxy", "joint", "pixels", "prior")),
     pytest.param("joint", "inductor", marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_step_is_one_graph(default_task, name, backend):
    """Its losses forward and backward, in the last phase, which has all terms."""
    plain, compiled = default_task(name), default_task(name)
    compiled.compile(partial(torch.compile, fullgraph=True, backend=backend))
    for one, other in zip(gradients(plain, 11), gradients(compiled, 11), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-4)


def test_each_phase_is_compiled_once(caplog):
    compiled = Compiled(lambda x, phase: (x * (2 if phase < 3 else 5), {"x": x}), "line", backend="aot_eager")
    with caplog.at_level(logging.INFO):
        found = [compiled(torch.tensor(1.0), phase)[0] for phase in (0, 0, 3, 3)]
    assert found == [2, 2, 5, 5] and caplog.text.count("line: compiled in") == 2


def test_what_does_not_compile_runs_as_it_is(caplog):
    def compute(x):
        return (x if x.sum() > 0 else -x), {}

    compiled = Compiled(compute, "line")
    assert [compiled(torch.tensor(value))[0] for value in (-3.0, 2.0)] == [3, 2]
    assert caplog.text.count("line: not compiled") == 1


def test_auto_compiles_on_gpus():
    assert compiles(Machine(), GPU) and not compiles(Machine(), CPU)
    assert compiles(Machine(compile=True), CPU) and not compiles(Machine(compile=False), GPU)
