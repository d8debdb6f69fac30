"""Between the steps that log, nothing in a training waits for the device."""

from collections import Counter

import pytest
import torch
from line_task import Wide
from torch.utils._python_dispatch import TorchDispatchMode

from sweettok.models import devices
from sweettok.training.average import MovingAverage
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.divergence import TrainingDiverged
from sweettok.training.loop import train

PATCHWISE = {"spatial_tokens": 16, "temporal_tokens": 64}
TRAININGS = {name: (name, {}) for name in ("judge", "proxy", "spatial", "joint", "pixels", "prior")}
MODELS = {
    "composed": {"lookup": "composed"},
    "coupled": {"architecture": "coupled"},
    "fsq": {"quantizer": "fsq"},
    "lfq": {"quantizer": "lfq"},
    "bsq": {"quantizer": "bsq"},
    "tail drop": {"tail_drop": 0.5, "temporal_queries": "global"},
    "cvivit": {"architecture": "cvivit", **PATCHWISE},
    "omnitokenizer": {"architecture": "omnitokenizer", **PATCHWISE},
}
TRAININGS |= {name: ("joint", overrides) for name, overrides in MODELS.items()}
PEERS = {
    **{name: {"quantizer": name} for name in ("learned", "residual", "factorised", "dual")},
    "larp": {"architecture": "holistic", "quantizer": "stochastic", "prior_loss": 0.06, "temporal_tokens": 12},
    "hierarchical": {"architecture": "hierarchical", "quantizer": "learned", "tail_drop": 0.5, **PATCHWISE},
}
# What makes the host wait for a GPU, by aten's names: values read, shapes that depend on values, LAPACK's checks.
WAITS = {
    "_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive", "bincount", "equal",
    "_linalg_eigh", "_linalg_svd", "linalg_cholesky_ex", "linalg_inv_ex", "repeat_interleave", "_coalesce", "_to_sparse",
    "_sparse_coo_tensor_with_dims_and_tensors",
}  # fmt: skip


class Waiting(TorchDispatchMode):
    """Counts the operators that would wait, boolean indexing included. Adam keeps its number of steps on the host."""

    def __init__(self, task):
        super().__init__()
        self.task, self.found = task, Counter()

    def on_host(self, value):
        adam = getattr(getattr(self.task, "criterion", None), "adam", None)
        return adam is not None and any(value is state["step"] for state in adam.state.values())

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        indices = [
            index for given in args if isinstance(given, list | tuple) for index in given if torch.is_tensor(index)
        ]
        masked = name.startswith(("index", "_index")) and any(index.dtype == torch.bool for index in indices)
        if masked or name in WAITS and not self.on_host(args[0]):
            self.found[name] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", TRAININGS)
def test_no_step_between_two_logs_waits(name, default_task, monkeypatch, tmp_path, optimiser_of):
    """As on a device that computes on its own; the last step looks, which shows that the counter works."""
    training, overrides = TRAININGS[name]
    task, update, found = default_task(training, **overrides), MovingAverage.update, []
    mode = Waiting(task)

    def watched(self):
        update(self)
        found.append(mode.found.copy())

    monkeypatch.setattr(MovingAverage, "update", watched)
    monkeypatch.setattr(devices, "waits", lambda device: True)
    with mode:
        train(task, optimiser_of(steps=7, checkpoint_every=7, validate_every=7), 0, Checkpoint(tmp_path / "x.pt", "x"))
    assert len(found) == 7 and found[5] == found[0] and found[6] != found[5]


@pytest.mark.parametrize("name", [*TRAININGS, *PEERS])
def test_data_parallelism_looks_for_parameters_without_gradient_on_images_alone(name, default_task):
    """It would wait for the device in each step."""
    training, overrides = TRAININGS.get(name) or ("joint", PEERS[name])
    task = default_task(training, **overrides)
    task.loss(task.dataset[torch.arange(4)], step=11)[0].backward()
    unused = any(parameter.grad is None for parameter in task.trainable())
    assert unused == task.unused_parameters == (name == "spatial")


def test_a_step_that_breaks_is_found_at_the_next_log(monkeypatch, tmp_path, optimiser_of):
    """On a device that would have to be waited for: the step, its clips and the weights before it are those found at once."""
    saved = {}
    for waits in (False, True):
        monkeypatch.setattr(devices, "waits", lambda device, waits=waits: waits)
        task, checkpoint = Wide(nan_at=6), Checkpoint(tmp_path / f"{waits}.pt", "x")
        with pytest.raises(TrainingDiverged, match="step 6") as stopped:
            train(task, optimiser_of(checkpoint_every=10, validate_every=12), 0, checkpoint)
        assert str(task.seen[6]) in str(stopped.value) and max(task.seen) == (9 if waits else 6)
        saved[waits] = torch.load(checkpoint.diverged(0), weights_only=True)["model"]
    for name, _ in task.model.named_parameters():
        assert torch.equal(saved[True][name], saved[False][name])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA, whose own check this is")
def test_cuda_finds_no_synchronisation(default_task):
    task = default_task("joint")
    task.to(torch.device("cuda"))
    batch = {name: value.cuda() for name, value in task.dataset[torch.arange(3)].items()}
    task.loss(batch, 0)[0].backward()
    torch.cuda.set_sync_debug_mode("error")
    try:
        task.loss(batch, 1)[0].backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
