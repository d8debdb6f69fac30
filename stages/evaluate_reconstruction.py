"""One tokenizer of params.tokenizers on the test clips: outputs/reconstruction/NAME."""

import argparse
import os
from functools import partial
from typing import Any

import numpy as np
import pandas

from sweettok.metrics.distances import judge_distances, open_distances, size_records
from sweettok.metrics.networks import Skipped
from sweettok.metrics.reconstruction import clip_size, clip_words, codebook_health, per_clip_rows, score, summarise
from sweettok.metrics.retention import accuracy_records, label_hits, retention_records
from sweettok.metrics.scorers import open_scorers
from sweettok.models.processes import first_process_first, own_device
from sweettok.params import Params
from sweettok.params.tokenizers import MAIN
from sweettok.progress import progress
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tokenizers.registry import open_tokenizer
from sweettok.tokenizers.sweettok import SweetTokTokenizer
from sweettok.tokenizers.token_places import token_places
from sweettok.tracking import Run
from sweettok.training.curriculum import load_judge
from sweettok.video.store import ClipStore, to_uint8


def body(params: Params, run: Run | None, name: str) -> None:
    settings, device = params.evaluate_reconstruction, own_device()
    judge = load_judge("outputs/judge").to(device)
    stores = {split: ClipStore.open("outputs/data", split) for split in ("train", "val", "test")}
    test = stores["test"]
    tokenizer = open_tokenizer(name, params.tokenizers, test.frames, test.size)
    with first_process_first():  # it fills the cache of real clips' features, which the others then read
        published, skipped = open_distances(params.metrics, stores, device=device)
    scorers, without_weights = open_scorers(judge, params.metrics, test.size)
    distances = judge_distances(judge, test) + published
    watch = partial(progress, name=f"reconstruct {name}", unit="batch", disable=not first_process())
    reconstructions = score(tokenizer, test, settings.batch_size, scorers, distances, device=device, watch=watch)
    records = summarise(reconstructions, test, settings, scorers, distances)
    without_curve: list[Skipped] = []
    if name == MAIN:
        sizes = params.metrics.sizes
        curves, without_curve = size_records(distances, reconstructions.features, sizes, settings.seed, paired=True)
        records |= curves
    model = tokenizer.model if isinstance(tokenizer, SweetTokTokenizer) else None  # whose tokens are words
    health = codebook_health(model, stores["val"], settings.batch_size) if model else None
    if not first_process():
        return
    drawn = (settings.bootstrap, settings.seed)
    features = reconstructions.features[distances[0].name]
    real, kept = (label_hits(judge, of_clips, test) for of_clips in (distances[0].real, features))
    summary: dict[str, Any] = {
        "metrics": records,
        "retention": retention_records(kept, real, judge, test, *drawn),
        **clip_size(tokenizer, reconstructions),
        "codebook": health,
        "parameters": tokenizer.parameter_count,
        "fingerprint": tokenizer.fingerprint,
        "judge": {"accuracy": accuracy_records(real, judge, test, *drawn)},
        "left_out": [entry.as_json() for entry in skipped + without_weights + without_curve],
    }
    with atomic_directory(f"outputs/reconstruction/{name}") as folder:
        write_json(folder / "summary.json", summary)
        rows = pandas.DataFrame(per_clip_rows(reconstructions, test, scorers))
        rows.to_csv(folder / "per_clip.csv", index=False, float_format="%.6g")
        first = test.clips(range(len(reconstructions.first)))
        np.savez_compressed(folder / "strips.npz", original=to_uint8(first), clips=to_uint8(reconstructions.first))
        if model:
            named = zip(*(test.labels[key] for key in ("clip", "caption")), clip_words(model, first), strict=False)
            words = [{"clip": clip, "caption": caption, "words": of_clip} for clip, caption, of_clip in named]
            write_json(folder / "words.json", {"places": token_places(model), "clips": words})
    assert run is not None  # the first process has one
    log(run, name, summary)


def log(run: Run, name: str, summary: dict[str, Any]) -> None:
    """Print the numbers, and send them to MLflow."""
    logged = {f"{name}/{metric}": entry["value"] for metric, entry in summary["metrics"].items()}
    logged |= {f"{name}/retention/{factor}": entry["value"] for factor, entry in summary["retention"].items()}
    for metric, value in logged.items():
        print(f"{metric}: {value:.3f}")
    for entry in summary["left_out"]:
        print(f"left out  {entry['metric']}: {entry['why']}")
    accuracy = summary["judge"]["accuracy"].items()
    run.log_metrics(logged | {f"judge/accuracy/{factor}": entry["value"] for factor, entry in accuracy})
    run.log_artifact(f"outputs/reconstruction/{name}/summary.json", name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    _, _, name = os.environ.get("DVC_STAGE", "").partition("@")  # DVC names the stage evaluate_reconstruction@NAME
    parser.add_argument("--tokenizer", default=name, required=not name, help="a name in params.tokenizers")
    chosen = parser.parse_args()
    tags = {"tokenizer": chosen.tokenizer}
    run_stage("evaluate_reconstruction", lambda params, run: body(params, run, chosen.tokenizer), True, tags=tags)
