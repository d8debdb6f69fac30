"""Classical codecs on the test clips, at real bitstream sizes: outputs/codecs."""

import numpy as np
import pandas

from sweettok.metrics.codecs import CODECS, CodecMethod
from sweettok.metrics.distances import judge_distances
from sweettok.metrics.reconstruction import per_clip_rows, score, summarise
from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tracking import Run
from sweettok.training.curriculum import load_judge
from sweettok.video.store import ClipStore, to_uint8

COLUMNS = ["codec", "quality", "clip", "bits", "bits_without_headers", "psnr", "ssim", "perceptual"]


def body(params: Params, run: Run) -> None:
    settings, judge = params.evaluate_reconstruction, load_judge("outputs/judge")
    test = ClipStore.open("outputs/data", "test")
    distances = judge_distances(judge, test)
    points, tables, strips = [], [pandas.DataFrame(columns=COLUMNS)], {}
    for name, quality in params.codecs.points():
        codec = CODECS[name]
        method = CodecMethod(codec, quality, [])
        made = score(method, judge, test, settings.batch_size, distances)
        sizes = pandas.DataFrame(method.sizes, columns=["bits", "bits_without_headers"])
        tables.append(sizes.assign(codec=name, quality=quality, **per_clip_rows(made, test))[COLUMNS])
        strips[f"{name}_{quality}"] = to_uint8(made.first)
        point = {
            "codec": name,
            "title": codec.title,
            "encoder": codec.encoder,
            "pixel_format": codec.pixel_format,
            "settings": codec.settings,
            "quality": quality,
            **sizes.mean().to_dict(),
            "metrics": summarise(made, judge, test, settings, distances),
        }
        points.append(point)
        values = {metric: entry["value"] for metric, entry in point["metrics"].items()} | sizes.mean().to_dict()
        run.log_metrics({f"{name}_{quality}/{metric}": value for metric, value in values.items()})
        print(f"{codec.title}, CRF {quality}: {point['bits']:,.0f} bits a clip, {values['psnr']:.2f} dB")
    with atomic_directory("outputs/codecs") as partial:
        write_json(partial / "summary.json", {"points": points})
        pandas.concat(tables).to_csv(partial / "per_clip.csv", index=False, float_format="%.6g")
        np.savez_compressed(partial / "strips.npz", **strips)
    run.log_artifact("outputs/codecs/summary.json")


if __name__ == "__main__":
    run_stage("evaluate_codecs", body)
