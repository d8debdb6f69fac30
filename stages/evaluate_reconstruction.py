"""SweetTok, SweetTok* (proxy) and trivial baselines on the test clips: outputs/reconstruction."""

from typing import Any

import numpy as np
import pandas

from sweettok.metrics import baselines
from sweettok.metrics.distances import judge_distances, open_distances, size_records
from sweettok.metrics.perceptual_networks import open_perceptual
from sweettok.metrics.reconstruction import (
    clip_words,
    codebook_health,
    per_clip_rows,
    score,
    size_of_code,
    size_of_proxy_code,
    summarise,
)  # fmt: skip
from sweettok.models.processes import first_process_first, own_device
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tracking import Run
from sweettok.training.curriculum import load_judge, load_proxy
from sweettok.video.store import ClipStore, to_uint8

FITTING_CLIPS = 64  # validation clips on which the trilinear baselines choose their grids


def learned_bars(psnr: dict[str, float], usage: dict[str, float]) -> list[dict]:
    """DESIGN.md, numbers the default must reach: has it learned at all?"""
    bars = [
        ("PSNR above mean colour (dB)", psnr["sweettok"] - psnr["mean_colour"], 2.5),
        ("PSNR above copy first frame (dB)", psnr["sweettok"] - psnr["copy_first_frame"], 2.5),
        ("PSNR above trilinear at the same bits (dB)", psnr["sweettok"] - psnr["trilinear_bits"], 1.0),
        ("PSNR of the proxy above the main model (dB)", psnr["proxy"] - psnr["sweettok"], 2.0),
        *((f"share of {group} words in use on validation clips", share, 0.5) for group, share in usage.items()),
    ]
    return [
        {"bar": bar, "value": value, "required": required, "passed": value >= required} for bar, value, required in bars
    ]


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
    nothing = {"tokens": None, "indices": None, "bits": None}
    summary: dict[str, Any] = {
        "methods": {
            name: {"metrics": records[name], **sizes.get(name, nothing), "codebook": health.get(name)}
            for name in methods
        },
        "learned": learned_bars(
            {name: records[name]["psnr"]["value"] for name in methods},
            {group: counts["usage"] for group, counts in health["sweettok"].items()},
        ),
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
    for entry in left_out:
        print(f"left out  {entry.metric}: {entry.why}")
    assert run is not None  # the first process has one
    run.log_metrics(
        {f"{name}/{metric}": entry["value"] for name, metrics in records.items() for metric, entry in metrics.items()}
    )
    run.log_artifact("outputs/reconstruction/summary.json")


if __name__ == "__main__":
    run_stage("evaluate_reconstruction", body, parallel=True)
