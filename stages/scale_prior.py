"""Priors of one size, a seed each, trained on the main model's tokens and measured: outputs/prior_scaling/SIZE/SEED."""

import argparse
import os
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sweettok.generation.choice import choose_settings
from sweettok.generation.sampling import decode_in_batches, sample_classes_in_turn
from sweettok.generation.training import TokenizedClips, train_prior, validation_loss
from sweettok.metrics.distances import judge_distances
from sweettok.metrics.generation import sample_records
from sweettok.metrics.record import record
from sweettok.models.processes import own_device, process_count
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.side_by_side import side_by_side
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tracking import tracked_run
from sweettok.training.checkpoint import write_history
from sweettok.training.curriculum import forget_training, load_judge
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


def train_and_measure(params: Params, size: str, clips: TokenizedClips, seed: int) -> PriorRun | None:
    """Train, sample and measure, in a run of its own; None in all processes of data parallelism but the first."""
    tags = {"variant": size, "seed": str(seed)}
    with tracked_run("prior_scaling", params, tags) if first_process() else nullcontext() as run:
        sampling, started = params.sampling, time.perf_counter()
        of_size = params.prior_scaling.sizes[size].model_dump() | {"seed": seed}
        settings = params.generator.model_copy(update=of_size)
        prior, history = train_prior(settings, clips, training_name(size, seed), run, params.machine)
        loss = validation_loss(prior, clips)
        tokenizer, judge = VideoTokenizer.load("outputs/pixels").to(own_device()), load_judge("outputs/judge")
        # Noise of its own for each seed: the spread over seeds is then also that of sampling.
        noise = sampling.seed + seed
        choice = choose_settings(prior, tokenizer, judge, clips.val, sampling, noise + 1)
        tokens, labels = sample_classes_in_turn(prior, choice.settings, noise)
        if run is None:
            return None
        test = ClipStore.open("outputs/data", "test")
        samples = decode_in_batches(tokenizer, tokens, sampling.batch_size)
        distances = judge_distances(judge, test, kinds=("video",))
        records, _ = sample_records(judge, distances, samples, labels.numpy(), test, seed)
        consistency = records.pop("class_consistency")
        facts: dict[str, Any] = {"unit": "nats a token", "tokens": clips.layout.tokens, "data": clips.val.fingerprint}
        records["loss"] = record(loss, len(clips.val), "val", seed, metric="loss", **facts)
        summary = {
            "size": size,
            "seed": seed,
            "parameters": prior.parameter_count(),
            "metrics": records,
            "class_consistency": consistency,
            "sampling": choice.settings.model_dump(mode="json"),
            "choice": choice.table,
            "steps": settings.optimiser.steps,
        }
        measured = {name: entry["value"] for name, entry in records.items()}
        seconds = {"seconds": time.perf_counter() - started}
        run.log_metrics(measured | {"class_consistency": consistency["value"]} | seconds)
        return PriorRun(summary, history)


def body(params: Params, size: str) -> None:
    seeds, machine = params.prior_scaling.matrix.seeds, params.machine
    clips = TokenizedClips.of("outputs/pixels", "outputs/data")
    at_once = 1 if process_count() > 1 else machine.cells
    runs = side_by_side(partial(train_and_measure, params, size, clips), seeds, at_once)
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
