"""Classical codecs on the test clips, at real bitstream sizes: outputs/codecs."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas

from sweettok.metrics.distances import judge_distances
from sweettok.metrics.reconstruction import per_clip_rows, score, summarise
from sweettok.metrics.scorers import open_scorers
from sweettok.models.processes import own_device
from sweettok.params import CodecPoint, Params
from sweettok.side_by_side import side_by_side
from sweettok.stage import run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tokenizers.codecs import CODECS, CodecTokenizer, coded_grid
from sweettok.tracking import Run
from sweettok.training.curriculum import load_judge
from sweettok.video.store import ClipStore, to_uint8

COLUMNS = ["codec", "quality", "time", "space", "clip", "bits", "bits_without_headers", "psnr", "ssim", "perceptual"]


@dataclass(frozen=True)
class Measured:
    """A codec at one rate: its entry in the summary, scores and sizes of each clip, the first clips as uint8."""

    entry: dict[str, Any]
    per_clip: pandas.DataFrame
    clips: np.ndarray


def measured(params: Params, chosen: tuple[str, CodecPoint]) -> Measured:
    """Code the test clips by the codec at the rate (name, point)."""
    (name, point), settings, device = chosen, params.evaluate_reconstruction, own_device()
    judge = load_judge("outputs/judge").to(device)
    test = ClipStore.open("outputs/data", "test")
    scorers, _ = open_scorers(judge, None, test.size)
    distances, codec = judge_distances(judge, test, kinds=("video",)), CODECS[name]
    tokenizer = CodecTokenizer(name, test.frames, test.size, name, point)
    reconstructions = score(tokenizer, test, settings.batch_size, scorers, distances, device=device)
    facts = {"codec": name, "quality": point.crf, "time": point.time, "space": point.space}
    sizes = pandas.DataFrame(reconstructions.sizes)
    grid = coded_grid(point, (test.frames, test.size, test.size))
    reduced = "" if point.time == point.space == 1 else f", {'x'.join(map(str, grid))}"
    label = {"key": "-".join(map(str, facts.values())), "label": f"{codec.title}, CRF {point.crf}{reduced}"}
    metrics = {"metrics": summarise(reconstructions, test, settings, scorers, distances)}
    entry = label | facts | {"grid": grid} | codec.facts() | sizes.mean().to_dict() | metrics
    per_clip = sizes.assign(**facts, **per_clip_rows(reconstructions, test, scorers))
    return Measured(entry, per_clip, to_uint8(reconstructions.first))


def body(params: Params, run: Run) -> None:
    points = side_by_side(partial(measured, params), params.codecs.points(), params.machine)
    with atomic_directory("outputs/codecs") as folder:
        write_json(folder / "summary.json", {"points": [point.entry for point in points]})
        rows = pandas.concat([pandas.DataFrame(columns=COLUMNS), *(point.per_clip for point in points)])
        rows.to_csv(folder / "per_clip.csv", columns=COLUMNS, index=False, float_format="%.6g")
        np.savez_compressed(folder / "strips.npz", **{point.entry["key"]: point.clips for point in points})
    for entry in (point.entry for point in points):
        values = {metric: found["value"] for metric, found in entry["metrics"].items()}
        values |= {size: entry[size] for size in ("bits", "bits_without_headers")}
        run.log_metrics({f"{entry['key']}/{name}": value for name, value in values.items()})
        print(f"{entry['label']}: {entry['bits']:,.0f} bits a clip, {values['psnr']:.2f} dB")
    run.log_artifact("outputs/codecs/summary.json")


if __name__ == "__main__":
    run_stage("evaluate_codecs", body)
