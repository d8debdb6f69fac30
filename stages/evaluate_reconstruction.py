"""SweetTok, SweetTok* (proxy) and trivial baselines on the test clips: outputs/reconstruction."""

from typing import Any

import numpy as np
import pandas

from sweettok.metrics import baselines
from sweettok.metrics.distances import Distance, judge_distances, open_distances, size_records
from sweettok.metrics.perceptual_networks import open_perceptual
from sweettok.metrics.reconstruction import (
    Reconstructions,
    clip_words,
    codebook_health,
    per_clip_rows,
    score,
    size_of_code,
    size_of_proxy_code,
    summarise,
)  # fmt: skip
from sweettok.metrics.retention import accuracy_records, label_hits, retention_records
from sweettok.models.judge import Judge
from sweettok.models.processes import first_process_first, own_device
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import EvaluateReconstruction, Params
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tracking import Run
from sweettok.training.curriculum import load_judge, load_proxy
from sweettok.video.store import ClipStore, to_uint8

FITTING_CLIPS = 64  # validation clips on which the trilinear baselines choose their grids
JUDGE_ACCURACY = 0.95  # on real clips, of each factor below: else its retention says little
LEAST_RETENTION = {  # factor -> what SweetTok and the proxy must keep of it
    **dict.fromkeys(("colour", "background", "tint", "light", "speed", "motion"), {"sweettok": 0.9, "proxy": 0.95}),
    **dict.fromkeys(("shape", "size", "texture"), {"sweettok": 0.8, "proxy": 0.95}),
    "manner": {"sweettok": 0.6, "proxy": 0.85},
}

Records = dict[str, dict[str, Any]]  # factor -> metric record


def learned_bars(psnr: dict[str, float], usage: dict[str, float]) -> list[dict]:
    """Has the main model learned at all? psnr: by method, in dB; usage: share of each token group's words in use."""
    bars = [
        ("PSNR above mean colour (dB)", psnr["sweettok"] - psnr["mean_colour"], 2.5),
        ("PSNR above copy first frame (dB)", psnr["sweettok"] - psnr["copy_first_frame"], 2.5),
        ("PSNR above trilinear at the same bits (dB)", psnr["sweettok"] - psnr["trilinear_bits"], 1.0),
        ("PSNR of the proxy above the main model (dB)", psnr["proxy"] - psnr["sweettok"], 2.0),
        *((f"share of {group} words in use on validation clips", share, 0.5) for group, share in usage.items()),
    ]
    return [_bar(*bar) for bar in bars]


def retention_bars(accuracy: Records, retention: dict[str, Records]) -> list[dict]:
    """Does the judge see the factors of real clips, and of reconstructions? For the factors that the data have.

    accuracy: of the judge on real clips; retention: by method. A factor without retention counts as lost: 0.
    """
    known = [factor for factor in LEAST_RETENTION if factor in accuracy]
    bars = [(f"judge's accuracy on real clips: {name}", accuracy[name]["value"], JUDGE_ACCURACY) for name in known]
    for method, label in (("sweettok", "SweetTok"), ("proxy", "the proxy")):
        for name in known:
            value = retention[method][name]["value"] if name in retention[method] else 0.0
            bars.append((f"retention of {label}: {name}", value, LEAST_RETENTION[name][method]))
    return [_bar(*bar) for bar in bars]


def _bar(bar: str, value: float, required: float) -> dict:
    return {"bar": bar, "value": value, "required": required, "passed": value >= required}


def retention_lines(accuracy: Records, retention: dict[str, Records]) -> list[str]:
    """A line a factor: what SweetTok and the proxy keep of it, and how well the judge names it on real clips."""
    lines = []
    for name, real in accuracy.items():
        kept = {method: retention[method].get(name) for method in ("sweettok", "proxy")}
        shown = ", ".join(f"{method} {entry['value']:.3f}" for method, entry in kept.items() if entry)
        lines.append(f"retention  {name}: {shown or 'none'} (judge's accuracy on real clips {real['value']:.3f})")
    return lines


def judged(
    judge: Judge,
    test: ClipStore,
    settings: EvaluateReconstruction,
    distance: Distance,
    made: dict[str, Reconstructions],
) -> tuple[Records, dict[str, Records]]:
    """The judge's accuracy on real test clips, and by method what is retained. distance: of whole clips, by the judge."""
    real, drawn = label_hits(judge, distance.real, test), (settings.bootstrap, settings.seed)
    hits = {name: label_hits(judge, scored.features[distance.name], test) for name, scored in made.items()}
    retention = {name: retention_records(of_method, real, judge, test, *drawn) for name, of_method in hits.items()}
    return accuracy_records(real, judge, test, *drawn), retention


def body(params: Params, run: Run | None) -> None:
    settings, device = params.evaluate_reconstruction, own_device()
    judge, proxy, model = (
        load_judge("outputs/judge"),
        load_proxy("outputs/proxy"),
        VideoTokenizer.load("outputs/pixels"),
    )
    stores = {
        split: ClipStore.open("outputs/data", split).expect(model.frames, model.size, by="outputs/pixels")
        for split in ("train", "val", "test")
    }
    test, val = stores["test"], stores["val"]
    sizes = {"sweettok": size_of_code(model), "proxy": size_of_proxy_code(proxy, test.frames, test.size)}
    fitting = val.clips(range(min(FITTING_CLIPS, len(val))))
    # One token of the trilinear baseline is one coloured cell; at 8 bits a number, `bits` buys bits / 8 numbers.
    token_grid = baselines.best_trilinear_grid(fitting, 3 * int(sizes["sweettok"]["tokens"]))
    # The least is one cell, 24 bits, even where the model has fewer.
    bit_grid = baselines.best_trilinear_grid(fitting, max(3, int(sizes["sweettok"]["bits"] // 8)))
    sizes |= {
        name: {"tokens": int(np.prod(grid)), "indices": 3 * int(np.prod(grid)), "bits": 24.0 * np.prod(grid).item()}
        for name, grid in (("trilinear_tokens", token_grid), ("trilinear_bits", bit_grid))
    }
    methods = {
        "sweettok": lambda clip: model.reconstruct(clip.to(device)).cpu(),
        "proxy": lambda clip: proxy.decode(proxy.encode(clip.to(device))).cpu(),
        "mean_colour": baselines.mean_colour,
        "copy_first_frame": baselines.copy_first_frame,
        "trilinear_tokens": lambda clip: baselines.trilinear(clip, token_grid),
        "trilinear_bits": lambda clip: baselines.trilinear(clip, bit_grid),
    }
    model.to(device)
    proxy.to(device)
    with first_process_first():  # it fills the cache of real clips' features, which the others then read
        published, left_out = open_distances(params.metrics, stores)
    networks, more_left_out = open_perceptual(params.metrics, test)
    distances = judge_distances(judge, test) + published
    made = {
        name: score(method, judge, test, settings.batch_size, distances, networks) for name, method in methods.items()
    }
    records = {name: summarise(scored, judge, test, settings, distances, networks) for name, scored in made.items()}
    curves, without_curve = size_records(
        distances, made["sweettok"].features, params.metrics.sizes, settings.seed, paired=True
    )
    records["sweettok"] |= curves
    left_out += more_left_out + without_curve
    health = {"sweettok": codebook_health(model, val, settings.batch_size)}
    if not first_process():
        return
    accuracy, retention = judged(judge, test, settings, distances[0], made)
    nothing = {"tokens": None, "indices": None, "bits": None}
    summary: dict[str, Any] = {
        "methods": {
            name: {
                "metrics": records[name],
                "retention": retention[name],
                **sizes.get(name, nothing),
                "codebook": health.get(name),
            }
            for name in methods
        },
        "judge": {"accuracy": accuracy},
        "learned": learned_bars(
            {name: records[name]["psnr"]["value"] for name in methods},
            {group: counts["usage"] for group, counts in health["sweettok"].items()},
        )
        + retention_bars(accuracy, retention),
        "left_out": [entry.as_json() for entry in left_out],
    }
    with atomic_directory("outputs/reconstruction") as partial:
        write_json(partial / "summary.json", summary)
        rows = [pandas.DataFrame({"method": name} | per_clip_rows(scored, test)) for name, scored in made.items()]
        pandas.concat(rows).to_csv(partial / "per_clip.csv", index=False, float_format="%.6g")
        first = test.clips(range(len(made["sweettok"].first)))
        named = zip(*(test.labels[column] for column in ("clip", "caption")), clip_words(model, first), strict=False)
        write_json(
            partial / "words.json", [{"clip": clip, "caption": caption, "words": w} for clip, caption, w in named]
        )
        strips: dict[str, Any] = {"original": to_uint8(first)} | {n: to_uint8(m.first) for n, m in made.items()}
        np.savez_compressed(partial / "strips.npz", **strips)
    for bar in summary["learned"]:
        print(
            f"{'reached' if bar['passed'] else 'MISSED '}  {bar['bar']}: {bar['value']:.2f} (at least {bar['required']})"
        )
    for line in retention_lines(accuracy, retention):
        print(line)
    for entry in left_out:
        print(f"left out  {entry.metric}: {entry.why}")
    assert run is not None  # the first process has one
    logged = {f"{name}/{metric}": entry for name, metrics in records.items() for metric, entry in metrics.items()}
    logged |= {f"{name}/retention/{factor}": entry for name in retention for factor, entry in retention[name].items()}
    logged |= {f"judge/accuracy/{factor}": entry for factor, entry in accuracy.items()}
    run.log_metrics({name: entry["value"] for name, entry in logged.items()})
    run.log_artifact("outputs/reconstruction/summary.json")


if __name__ == "__main__":
    run_stage("evaluate_reconstruction", body, parallel=True)
