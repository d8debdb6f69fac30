"""Classical codecs on the test clips, at real bitstream sizes: outputs/codecs."""

import numpy as np
import pandas

from sweettok.metrics.codecs import CODECS, CodecMethod, coded_grid
from sweettok.metrics.distances import judge_distances
from sweettok.metrics.reconstruction import per_clip_rows, score, summarise
from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tracking import Run
from sweettok.training.curriculum import load_judge
from sweettok.video.store import ClipStore, to_uint8

COLUMNS = ["codec", "quality", "time", "space", "clip", "bits", "bits_without_headers", "psnr", "ssim", "perceptual"]


def body(params: Params, run: Run) -> None:
    settings, judge = params.evaluate_reconstruction, load_judge("outputs/judge")
    test = ClipStore.open("outputs/data", "test")
    distances = judge_distances(judge, test, kinds=("video",))
    points, tables, strips = [], [], {}
    for name, point in params.codecs.points():
        codec = CODECS[name]
        method = CodecMethod(codec, point)
        made = score(method, judge, test, settings.batch_size, distances)
        facts = {"codec": name, "quality": point.crf, "time": point.time, "space": point.space}
        sizes = pandas.DataFrame(method.sizes, columns=["bits", "bits_without_headers"])
        tables.append(sizes.assign(**facts, **per_clip_rows(made, test)))
        key = "-".join(map(str, facts.values()))
        strips[key] = to_uint8(made.first)
        grid = coded_grid(point, (test.frames, test.size, test.size))
        reduced = "" if point.time == point.space == 1 else f", {'x'.join(map(str, grid))}"
        metrics = summarise(made, judge, test, settings, distances)
        points.append(
            {"key": key, "label": f"{codec.title}, CRF {point.crf}{reduced}", **facts, "grid": grid, **codec.facts()}
            | sizes.mean().to_dict() | {"metrics": metrics}
        )  # fmt: skip
        values = {metric: entry["value"] for metric, entry in metrics.items()} | sizes.mean().to_dict()
        run.log_metrics({f"{key}/{metric}": value for metric, value in values.items()})
        print(f"{points[-1]['label']}: {values['bits']:,.0f} bits a clip, {values['psnr']:.2f} dB")
    with atomic_directory("outputs/codecs") as partial:
        write_json(partial / "summary.json", {"points": points})
        rows = pandas.concat(tables) if tables else pandas.DataFrame(columns=COLUMNS)
        rows.to_csv(partial / "per_clip.csv", columns=COLUMNS, index=False, float_format="%.6g")
        np.savez_compressed(partial / "strips.npz", **strips)
    run.log_artifact("outputs/codecs/summary.json")


if __name__ == "__main__":
    run_stage("evaluate_codecs", body)
