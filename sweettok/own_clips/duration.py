"""How long a profile will take here: one training's step, measured, and what the other stages cost beside it."""

import time

import torch
import torch.nn.functional as F

from sweettok.models.proxy import ProxyTokenizer
from sweettok.params import Params

# Seconds a step of each training in steps of the proxy alone (forward, backward), at equal batches and geometry: measured
# on 2 cores with the default profile. The proxy's own step also has the perceptual loss and the update.
COST = {
    "judge": 1.6, "proxy": 1.3, "train_spatial": 0.9, "train_joint": 1.6, "finetune_pixels": 2.5, "generator": 4.0,
}  # fmt: skip
REST = 240.0  # seconds for data, codebook, evaluations and report, of the default profile
WARM, TIMED = 1, 3  # steps


def proxy_step(params: Params) -> float:
    """Seconds of a forward and a backward pass of the proxy on a drawn batch, on this machine's CPU."""
    data, batch = params.data, params.proxy.optimiser.batch_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ProxyTokenizer(params.proxy, params.patches)
        clip = torch.rand(batch, 3, data.frames, data.size, data.size) * 2 - 1
    for step in range(WARM + TIMED):
        if step == WARM:
            start = time.perf_counter()
        F.mse_loss(model(clip), clip).backward()
    return (time.perf_counter() - start) / TIMED


def minutes(params: Params, step: float) -> float:
    """Of `dvc repro` where a step of the proxy takes `step` seconds: an estimate, good to about a factor of two."""
    trainings = {
        "judge": params.judge.optimiser, "proxy": params.proxy.optimiser,
        "train_spatial": params.train_spatial.optimiser, "train_joint": params.train_joint.optimiser,
        "finetune_pixels": params.finetune_pixels.optimiser, "generator": params.generator.optimiser,
    }  # fmt: skip
    steps = sum(COST[name] * optimiser.steps for name, optimiser in trainings.items())
    matrix, schedule = params.ablation.matrix, params.ablation.schedule
    cell = (
        COST["train_spatial"] * schedule.spatial_steps
        + COST["train_joint"] * schedule.joint_steps
        + COST["finetune_pixels"] * schedule.pixel_steps
    )
    cells = len(matrix.variants) * len(matrix.seeds)
    return (step * (steps + cells * cell) + REST) / 60
