"""The proxy learns on few clips."""

import pytest

from sweettok.training.checkpoint import Checkpoint
from sweettok.training.loop import train, validate
from sweettok.training.proxy_task import ProxyTask


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # checkpoints go to outputs/ below the working folder


def test_proxy_learns(make_proxy, optimiser_of, stores, judge):
    task = ProxyTask(make_proxy().requires_grad_(True), judge, stores["train"], stores["val"], 0)
    start = validate(task, task.model)["psnr"]
    optimiser = optimiser_of(steps=60, lr=2e-2, adam_lr=1e-2, ema=0.5, validate_every=60)
    _, history = train(task, optimiser, 0, Checkpoint("x.pt", "x"))
    assert history[-1]["psnr"] > start + 2 and 0 < history[-2]["perceptual"] < history[0]["perceptual"]
