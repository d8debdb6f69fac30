"""Priors of one size, a seed each, trained on the main model's tokens and measured: outputs/prior_scaling/SIZE/SEED."""

import argparse
import os
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sweettok.generation.measuring import train_and_measure
from sweettok.generation.training import TokenizedClips
from sweettok.models.processes import own_device
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.side_by_side import side_by_side
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tracking import tracked_run
from sweettok.training.checkpoint import write_history
from sweettok.training.curriculum import forget_training, load_judge
from sweettok.training.replication import training_data
from sweettok.video.store import ClipStore


@dataclass(frozen=True)
class PriorRun:
    """What is kept of a size trained with a seed."""

    summary: dict[str, Any]
    history: list[dict[str, Any]]

    def write(self, folder: Path) -> None:
        folder.mkdir()
        write_json(folder / "summary.json", self.summary)
        write_history(folder / "history.csv", self.history)


def training_name(size: str, seed: int) -> str:
    return f"prior-{size}-{seed}"


def clips_of_sets(params: Params) -> dict[bool, TokenizedClips]:
    """The main model's tokens of what the first seeds (False) and those that replicate (True) train on, as far as there are such."""
    replicating, found = params.ablation.matrix.replication_seeds, dict[bool, TokenizedClips]()
    tokenizer = VideoTokenizer.load("outputs/pixels").to(own_device())
    for seed in params.prior_scaling.matrix.seeds:
        replicates = seed in replicating
        if replicates not in found:
            data = training_data(seed, replicating)
            data.train.expect(tokenizer.frames, tokenizer.size, by="outputs/pixels")
            found[replicates] = TokenizedClips.tokenized(tokenizer, data.train, data.val)
    return found


def one_seed(params: Params, size: str, clips: dict[bool, TokenizedClips], seed: int) -> PriorRun | None:
    """Train, sample and measure, in a run of its own; None in all processes of data parallelism but the first."""
    tags = {"variant": size, "seed": str(seed)}
    with tracked_run("prior_scaling", params, tags) if first_process() else nullcontext() as run:
        started = time.perf_counter()
        of_size = params.prior_scaling.sizes[size].model_dump() | {"seed": seed}
        tokenizer = VideoTokenizer.load("outputs/pixels").to(own_device())
        judge = load_judge("outputs/judge").to(own_device())
        of_set = clips[seed in params.ablation.matrix.replication_seeds]
        measured = train_and_measure(
            params.generator.model_copy(update=of_size), params.sampling, tokenizer, of_set, judge,
            ClipStore.open("outputs/data", "test"), training_name(size, seed), run, params.machine,
        )  # fmt: skip
        if run is None:
            return None
        values = {name: entry["value"] for name, entry in measured.metrics.items()}
        run.log_metrics(values | {"seconds": time.perf_counter() - started})
        summary = {"size": size, "seed": seed, "metrics": measured.metrics} | measured.facts
        return PriorRun(summary, measured.history)


def body(params: Params, size: str) -> None:
    seeds = params.prior_scaling.matrix.seeds
    runs = side_by_side(partial(one_seed, params, size, clips_of_sets(params)), seeds, params.machine)
    if first_process():
        with atomic_directory(f"outputs/prior_scaling/{size}") as folder:
            for seed, done in zip(seeds, runs, strict=True):
                done.write(folder / str(seed))
        for seed in seeds:
            forget_training(training_name(size, seed))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    _, _, size = os.environ.get("DVC_STAGE", "").partition("@")  # DVC names the stage scale_prior@SIZE
    parser.add_argument(
        "--size", default=size, required=not size, help="a name under prior_scaling.sizes in params.yaml"
    )
    chosen = parser.parse_args()
    run_stage("scale_prior", lambda params, _: body(params, chosen.size), parallel=True, tracked=False)
