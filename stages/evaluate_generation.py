"""Sample clips of every class, decode them, compare them with real ones: outputs/generation."""

import numpy as np

from sweettok.generation.prior import Prior
from sweettok.generation.sampling import decode_in_batches, for_pictures, sample_classes_in_turn
from sweettok.metrics.distances import judge_distances, open_distances
from sweettok.metrics.generation import evaluate_samples
from sweettok.models.processes import own_device
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory, read_json, write_json
from sweettok.tracking import Run
from sweettok.training.curriculum import load_judge
from sweettok.video.store import ClipStore, to_uint8


def body(params: Params, run: Run | None) -> None:
    settings, device = params.sampling, own_device()
    tokenizer, prior, judge = (
        VideoTokenizer.load("outputs/pixels"),
        Prior.load("outputs/generator"),
        load_judge("outputs/judge"),
    )
    test, train = (
        ClipStore.open("outputs/data", split).expect(tokenizer.frames, tokenizer.size, by="outputs/pixels")
        for split in ("test", "train")
    )
    tokens, labels = sample_classes_in_turn(prior.to(device), settings, settings.seed)
    if not first_process():
        return
    samples = decode_in_batches(tokenizer.to(device), tokens, settings.batch_size)
    reconstructed = read_json("outputs/reconstruction/summary.json")["methods"]["sweettok"]["metrics"]
    published, left_out = open_distances(params.metrics, {"train": train, "test": test})
    distances = judge_distances(judge, test, kinds=("video",)) + published
    seed, sizes = settings.seed, params.metrics.sizes
    records, without_curve = evaluate_samples(
        judge, distances, samples, labels.numpy(), reconstructed, test, train, seed, sizes
    )
    left_out += without_curve
    summary = {
        "metrics": records,
        "left_out": [entry.as_json() for entry in left_out],
        "sampling": settings.model_dump(mode="json"),
        "parameters": prior.parameter_count(),
    }
    with atomic_directory("outputs/generation") as partial:
        write_json(partial / "summary.json", summary)
        kept = for_pictures(labels, len(test.classes))
        np.savez_compressed(
            partial / "samples.npz",
            samples=to_uint8(samples[kept]),
            labels=labels[kept].numpy(),
            classes=np.array(test.classes),
        )
    for name, entry in records.items():
        print(f"{name}: {entry['value']:.3f} (n = {entry['n']})")
    for entry in left_out:
        print(f"left out  {entry.metric}: {entry.why}")
    assert run is not None  # the first process has one
    run.log_metrics({name.replace(":", "-"): entry["value"] for name, entry in records.items()})
    run.log_artifact("outputs/generation/summary.json")


if __name__ == "__main__":
    run_stage("evaluate_generation", body, parallel=True)
