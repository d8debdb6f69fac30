"""A step compiles as one graph, and then computes what it computed before."""

import logging
from functools import partial
from pathlib import Path

import pytest
import torch
from torch._dynamo.backends.common import aot_autograd

from sweettok.params import Machine, load_params
from sweettok.training.compilation import CompiledLosses, compiles
from sweettok.training.muon import Muon

CPU, GPU = torch.device("cpu"), torch.device("cuda")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nothing_compiled():
    torch.compiler.reset()


def draw(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


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


@pytest.mark.parametrize("broken", [None, 0.0, 1.0])
@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.slow)])
def test_an_optimisers_step_is_one_graph(backend, broken):
    """Compiled once, whatever the rate; it moves weights and state as the plain one does, on a GPU unless a step broke."""
    shapes, compilations = [(12, 20), (20, 12), (12, 20), (9, 4, 1, 3, 3)], []
    plain, compiled = ([torch.nn.Parameter(draw(*shape, seed=50)) for shape in shapes] for _ in range(2))
    movers = Muon(plain, 0.05, 0.1), Muon(compiled, 0.05, 0.1)

    def counted(graph, inputs):
        compilations.append(len(inputs))
        return torch._dynamo.lookup_backend(backend)(graph, inputs)

    movers[1].compile(partial(torch.compile, fullgraph=True, dynamic=False, backend=counted))
    if broken is not None:
        for mover in movers:
            mover.found_inf = torch.tensor(broken)
    before = [weight.detach().clone() for weight in compiled]
    for step in range(4):
        for mover, weights in zip(movers, (plain, compiled), strict=True):
            mover.param_groups[0]["lr"] = 0.05 / (1 + step)
            for weight in weights:
                weight.grad = draw(*weight.shape, seed=step)
            mover.step()
    assert len(compilations) == 1
    assert all(torch.equal(*pair) for pair in zip(before, compiled, strict=True)) == (broken == 1)
    for one, other in zip(plain, compiled, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(movers[0].state[one], movers[1].state[other], rtol=1e-3, atol=1e-5)


def test_each_phase_is_compiled_once(caplog):
    def compute(x, phase):
        return x * (2 if phase < 3 else 5), {"x": x}

    compiled = CompiledLosses(compute, "line", backend="aot_eager")
    with caplog.at_level(logging.INFO):
        found = [compiled(torch.tensor(1.0), phase)[0] for phase in (0, 0, 3, 3)]
    assert found == [2, 2, 5, 5] and caplog.text.count("line: compiled in") == 2


def test_what_does_not_compile_runs_as_it_is(caplog):
    def compute(x):
        return (x if x.sum() > 0 else -x), {}

    compiled = CompiledLosses(compute, "line")
    assert [compiled(torch.tensor(value))[0] for value in (-3.0, 2.0)] == [3, 2]
    assert caplog.text.count("line: not compiled") == 1


def test_a_backward_pass_that_does_not_compile_runs_as_it_is(caplog):
    def refused(graph, inputs):
        raise RuntimeError("no such kernel")

    backend = aot_autograd(fw_compiler=lambda graph, inputs: graph.forward, bw_compiler=refused)
    weight = torch.nn.Parameter(torch.tensor(3.0))
    compiled = CompiledLosses(lambda x: ((weight * x).exp(), {}), "line", backend=backend)
    loss, _ = compiled(torch.tensor(0.0))
    loss.backward()
    assert loss == 1 and caplog.text.count("line: not compiled (no such kernel)") == 1


def test_a_mistake_of_a_later_step_is_raised():
    compiled = CompiledLosses(lambda x: (x.sum(), {}), "line", backend="aot_eager")
    compiled(torch.ones(2))
    with pytest.raises(RuntimeError, match="sum"):
        compiled("no tensor")


@pytest.mark.parametrize("profile", ["sprites", "gpu", "ucf101"])
def test_profiles_compile_where_there_is_a_gpu(profile):
    assert load_params(ROOT / f"profiles/{profile}.yaml").machine.compile == "auto"


def test_auto_compiles_on_gpus():
    assert compiles(Machine(), GPU) and not compiles(Machine(), CPU)
    assert compiles(Machine(compile=True), CPU) and not compiles(Machine(compile=False), GPU)
