"""One ablation cell, trained by the same curriculum code and evaluated on the test clips: outputs/ablation/VARIANT-SEED."""

import argparse
import time

import pandas

from sweettok.language.codebook import Codebook
from sweettok.metrics.distances import judge_distances
from sweettok.metrics.reconstruction import (
    codebook_health,
    mean_colour_psnr,
    per_clip_rows,
    score,
    size_of_code,
    summarise,
)  # fmt: skip
from sweettok.models.processes import own_device
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tracking import Run
from sweettok.training.checkpoint import write_history
from sweettok.training.curriculum import Supplies, load_judge, load_proxy, train_cell
from sweettok.video.store import ClipStore


def body(params: Params, run: Run | None, variant: str, seed: int) -> None:
    settings, started = params.evaluate_reconstruction, time.perf_counter()
    supplies, judge = Supplies.load("outputs/data", "outputs/proxy"), load_judge("outputs/judge")
    cell = f"{variant}-{seed}"
    codebook, proxy = Codebook.load("outputs/codebook"), load_proxy("outputs/proxy")
    model, history, steps = train_cell(params, variant, seed, supplies, codebook, proxy, judge, run, params.machine)
    test = ClipStore.open("outputs/data", "test")
    distances = judge_distances(judge, test)
    device = own_device()
    model.to(device)
    made = score(lambda clip: model.reconstruct(clip.to(device)).cpu(), judge, test, settings.batch_size, distances)
    if not first_process():
        return
    summary = {
        "variant": variant,
        "seed": seed,
        "metrics": summarise(made, judge, test, settings, distances),
        **size_of_code(model),
        "codebook": codebook_health(model, supplies.val, settings.batch_size),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "steps": steps,
        "mean_colour_psnr": mean_colour_psnr(test, settings.batch_size),
    }
    with atomic_directory(f"outputs/ablation/{cell}") as partial:
        write_json(partial / "summary.json", summary)
        pandas.DataFrame(per_clip_rows(made, test)).to_csv(partial / "per_clip.csv", index=False, float_format="%.6g")
        write_history(partial / "history.csv", history)
    usage = {f"usage/{group}": health["usage"] for group, health in summary["codebook"].items()}
    seconds = {"seconds": time.perf_counter() - started}
    run.log_metrics({name: entry["value"] for name, entry in summary["metrics"].items()} | usage | seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", required=True, help="a name under ablation.variants in params.yaml")
    parser.add_argument("--seed", required=True, type=int, help="of initial weights and of the clips' order")
    chosen = parser.parse_args()
    tags = {"variant": chosen.variant, "seed": str(chosen.seed)}
    run_stage("ablation", lambda params, run: body(params, run, chosen.variant, chosen.seed), tags, True)
