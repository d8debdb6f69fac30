"""Choose how to sample on validation clips, sample clips of every class, compare them with test clips: outputs/generation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from sweettok.generation.choice import Choice, choose_settings
from sweettok.generation.prior import Prior
from sweettok.generation.sampling import decode_in_batches, for_pictures, sample_classes_in_turn
from sweettok.metrics.distances import judge_distances, open_distances
from sweettok.metrics.generation import evaluate_samples
from sweettok.metrics.networks import Skipped
from sweettok.models.judge import Judge
from sweettok.models.processes import own_device
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Metrics, Params
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory, read_json, write_json
from sweettok.tracking import Run
from sweettok.training.curriculum import load_judge
from sweettok.video.store import ClipStore, to_uint8

DISTANCE = "frechet_video/judge"


def learned_thresholds(values: Mapping[str, float]) -> list[dict]:
    """Are samples of their class, and as near as the tokenizer lets them be (docs/design.md, Goals)?

    values: of the metric records, by name.
    """
    of_samples = values[DISTANCE]
    nearness = values[f"{DISTANCE}:reconstruction"] / of_samples if of_samples else 1.0
    thresholds = [
        ("class consistency", values["class_consistency"], 0.65),
        ("Frechet distance of reconstructions / of samples", nearness, 0.5),
    ]
    return [
        {"bar": name, "value": value, "required": required, "passed": value >= required}
        for name, value, required in thresholds
    ]


def body(params: Params, run: Run | None) -> None:
    tokenizer, prior, judge = (
        VideoTokenizer.load("outputs/pixels").to(own_device()),
        Prior.load("outputs/generator").to(own_device()),
        load_judge("outputs/judge").to(own_device()),
    )
    stores = {
        split: ClipStore.open("outputs/data", split).expect(tokenizer.frames, tokenizer.size, by="outputs/pixels")
        for split in ("train", "val", "test")
    }
    choice = choose_settings(prior, tokenizer, judge, stores["val"], params.sampling, params.sampling.seed + 1)
    tokens, labels = sample_classes_in_turn(prior, choice.settings, choice.settings.seed)
    if not first_process():
        return
    samples = decode_in_batches(tokenizer, tokens, choice.settings.batch_size)
    records, skipped = measured(samples, labels, judge, stores, params.metrics, choice.settings.seed)
    summary = {
        "metrics": records,
        "learned": learned_thresholds({name: entry["value"] for name, entry in records.items()}),
        "left_out": [entry.as_json() for entry in skipped],
        "sampling": choice.settings.model_dump(mode="json"),
        "choice": choice.table,
        "parameters": prior.parameter_count(),
    }
    with atomic_directory("outputs/generation") as partial:
        write_json(partial / "summary.json", summary)
        kept = for_pictures(labels, len(stores["test"].classes))
        np.savez_compressed(
            partial / "samples.npz",
            samples=to_uint8(samples[kept]),
            labels=labels[kept].numpy(),
            classes=np.array(stores["test"].classes),
        )
    say(summary, choice)
    assert run is not None  # the first process has one
    run.log_metrics({name.replace(":", "-"): entry["value"] for name, entry in records.items()})
    run.log_metrics({f"chosen/{name}": getattr(choice.settings, name) for name in ("guidance", "temperature")})
    run.log_artifact("outputs/generation/summary.json")


def measured(
    samples: Tensor, labels: Tensor, judge: Judge, stores: Mapping[str, ClipStore], settings: Metrics, seed: int
) -> tuple[dict[str, dict], list[Skipped]]:
    """Metric records of the samples, and what is left out."""
    test, train = stores["test"], stores["train"]
    reconstructed = read_json("outputs/reconstruction/sweettok/summary.json")["metrics"]
    published, skipped = open_distances(settings, {"train": train, "test": test}, device=judge.device)
    distances = judge_distances(judge, test, kinds=("video",)) + published
    records, without_curve = evaluate_samples(
        judge, distances, samples, labels.numpy(), reconstructed, test, train, seed, settings.sizes
    )
    return records, skipped + without_curve


def say(summary: Mapping[str, Any], choice: Choice) -> None:
    for row in choice.table:
        print(
            f"guidance {row['guidance']}, temperature {row['temperature']}: Frechet distance to validation clips "
            f"{row['frechet']:.3f}, class consistency {row['class_consistency']:.3f} (n = {row['n']})"
        )
    print(f"sampled with guidance {choice.settings.guidance}, temperature {choice.settings.temperature}")
    for name, entry in summary["metrics"].items():
        print(f"{name}: {entry['value']:.3f} (n = {entry['n']})")
    for threshold in summary["learned"]:
        print(
            f"{'reached' if threshold['passed'] else 'MISSED '}  {threshold['bar']}: {threshold['value']:.2f} (at least {threshold['required']})"
        )
    for entry in summary["left_out"]:
        print(f"left out  {entry['metric']}: {entry['why']}")


if __name__ == "__main__":
    run_stage("evaluate_generation", body, parallel=True)
