"""An ablation variant, trained with every seed by the same curriculum code, evaluated on the test clips: outputs/ablation/VARIANT/SEED."""

import argparse
import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from sweettok.generation.measuring import MeasuredPrior, train_and_measure
from sweettok.generation.training import TokenizedClips
from sweettok.language.captions import codebook_captions
from sweettok.language.codebook import Codebook, build_codebook
from sweettok.metrics.distances import FrechetDistance, judge_distances
from sweettok.metrics.reconstruction import (
    Reconstructions,
    code_size,
    codebook_health,
    operation_count,
    parameter_counts,
    per_clip_rows,
    score,
    summarise,
)  # fmt: skip
from sweettok.metrics.retention import label_hits, retention_records
from sweettok.metrics.scorers import Scorer, open_scorers
from sweettok.metrics.semantics import token_semantics
from sweettok.metrics.tokens_kept import SHARES, length_rows
from sweettok.models.judge import Judge
from sweettok.models.processes import own_device
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import EvaluateReconstruction, Params
from sweettok.side_by_side import side_by_side
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tokenizers.mean_colour import mean_colour_psnr
from sweettok.tokenizers.sweettok import Shortened, SweetTokTokenizer, wrapped
from sweettok.tracking import Run, tracked_run
from sweettok.training.cells import cell_checkpoint, cell_codebook, forget_cell, train_cell
from sweettok.training.checkpoint import write_history
from sweettok.training.curriculum import TrainingData, load_judge, load_proxy
from sweettok.training.replication import training_data
from sweettok.video.store import ClipStore, to_uint8

FLOAT = "%.6g"  # in tables


@dataclass(frozen=True)
class Cell:
    """What is kept of a variant trained with a seed."""

    summary: dict[str, Any]
    per_clip: pandas.DataFrame
    history: list[dict[str, Any]]
    clips: np.ndarray  # the first test clips as reconstructed, uint8 (n, T, H, W, 3)

    def write(self, folder: Path) -> None:
        folder.mkdir()
        write_json(folder / "summary.json", self.summary)
        self.per_clip.to_csv(folder / "per_clip.csv", index=False, float_format=FLOAT)
        write_history(folder / "history.csv", self.history)
        np.savez_compressed(folder / "strips.npz", clips=self.clips)


def cell(params: Params, variant: str, codebook: Codebook, seed: int) -> Cell | None:
    """Train and evaluate, in a run of its own; None in all processes of a data-parallel training but the first."""
    tags = {"variant": variant, "seed": str(seed)}
    with tracked_run("ablation", params, tags) if first_process() else nullcontext() as run:
        settings, started = params.evaluate_reconstruction, time.perf_counter()
        data, judge = training_data(seed, params.ablation.matrix.replication_seeds), load_judge("outputs/judge")
        proxy = load_proxy("outputs/proxy")
        model, history, steps = train_cell(params, variant, seed, data, codebook, proxy, judge, run, params.machine)
        test = ClipStore.open("outputs/data", "test")
        judge.to(own_device())  # trainings leave it on the CPU
        distances, (scorers, _) = judge_distances(judge, test), open_scorers(judge, None, test.size)
        measure = partial(fidelity, judge, test, settings, scorers, distances)
        tokenizer = wrapped(variant, model)
        reconstructions, measured = measure(tokenizer)
        shares = SHARES if model.config.tail_drop else ()
        shortened = [measure(Shortened(variant, model, tokenizer.fingerprint, share))[1] for share in shares]
        generation = measured_prior(params, variant, seed, model, data, judge, test, run)
        if run is None:
            return None
        summary = {
            "variant": variant,
            "seed": seed,
            **measured,
            **code_size(model),
            "codebook": codebook_health(model, data.val, settings.batch_size),
            **parameter_counts(model),
            "operations": operation_count(model),
            "steps": steps,
            "mean_colour_psnr": mean_colour_psnr(test, settings.batch_size),
        }
        if generation:
            summary["generation"] = generation.facts | {"metrics": generation.metrics}
        if shortened:
            rows = length_rows(model, test, settings.batch_size)
            summary["lengths"] = [row | of_share for row, of_share in zip(rows, shortened, strict=True)]
        if params.ablation.variants[variant].semantics:
            summary["semantics"] = token_semantics(model, test, params.semantics)
        usage = {f"usage/{group}": health["usage"] for group, health in summary["codebook"].items()}
        seconds = {"seconds": time.perf_counter() - started}
        run.log_metrics({name: entry["value"] for name, entry in summary["metrics"].items()} | usage | seconds)
        per_clip = pandas.DataFrame(per_clip_rows(reconstructions, test, scorers))
        run.log_text(per_clip.to_csv(index=False, float_format=FLOAT), "per_clip.csv")
        return Cell(summary, per_clip, history, to_uint8(reconstructions.first))


def fidelity(
    judge: Judge,
    test: ClipStore,
    settings: EvaluateReconstruction,
    scorers: Sequence[Scorer],
    distances: Sequence[FrechetDistance],
    tokenizer: SweetTokTokenizer,
) -> tuple[Reconstructions, dict[str, Any]]:
    """A tokenizer's reconstructions of the test clips, and what is measured of them: metrics, retention."""
    reconstructions = score(tokenizer, test, settings.batch_size, scorers, distances, device=own_device())
    features = reconstructions.features[distances[0].name]
    kept, real = (label_hits(judge, of_clips, test) for of_clips in (features, distances[0].real))
    retention = retention_records(kept, real, judge, test, settings.bootstrap, settings.seed)
    return reconstructions, {
        "metrics": summarise(reconstructions, test, settings, scorers, distances),
        "retention": retention,
    }


def measured_prior(
    params: Params,
    variant: str,
    seed: int,
    model: VideoTokenizer,
    data: TrainingData,
    judge: Judge,
    test: ClipStore,
    run: Run | None,
) -> MeasuredPrior | None:
    """What a prior over the cell's tokens generates, for variants with `generation`."""
    chosen = params.ablation.prior
    if not params.ablation.variants[variant].generation or chosen is None:
        return None
    clips = TokenizedClips.tokenized(model, data.train, data.val)
    settings, name = chosen.generator.model_copy(update={"seed": seed}), cell_checkpoint(variant, seed, "prior")
    return train_and_measure(settings, chosen.sampling, model, clips, judge, test, name, run, params.machine)


def codebook_of(params: Params, variant: str) -> Codebook:
    """The common codebook, or where the variant changes how words become vectors one of its own."""
    own = cell_codebook(params, variant)
    if own is None:
        return Codebook.load("outputs/codebook")
    return build_codebook(codebook_captions(own, lambda: ClipStore.open("outputs/data", "train").captions), own)


def body(params: Params, variant: str) -> None:
    seeds = params.ablation.matrix.seeds
    cells = side_by_side(partial(cell, params, variant, codebook_of(params, variant)), seeds, params.machine)
    if first_process():
        with atomic_directory(f"outputs/ablation/{variant}") as folder:
            for seed, done in zip(seeds, cells, strict=True):
                done.write(folder / str(seed))
        for seed in seeds:
            forget_cell(params, variant, seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    _, _, variant = os.environ.get("DVC_STAGE", "").partition("@")  # DVC names the stage ablation@VARIANT
    parser.add_argument(
        "--variant", default=variant, required=not variant, help="a name under ablation.variants in params.yaml"
    )
    chosen = parser.parse_args()
    run_stage("ablation", lambda params, _: body(params, chosen.variant), parallel=True, tracked=False)
