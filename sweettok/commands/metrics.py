"""`sweettok metrics`: how near made videos are to real ones, with the protocol of every number."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.commands.arguments import add_json
from sweettok.errors import InputError

if TYPE_CHECKING:
    from sweettok.params import Metrics

JUDGE = Path("outputs/judge")


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    metrics = commands.add_parser(
        "metrics",
        help="compare two folders (or files): PSNR, SSIM, perceptual and Frechet distances, with their protocols",
        description="Files of two folders are paired by name. LPIPS, FVD and FID are measured where --perceptual and "
        "--extractor name their networks; without these options, as `metrics` in params.yaml says, if it is there.",
    )
    metrics.add_argument("real", metavar="REAL", help="folder or file")
    metrics.add_argument("made", metavar="MADE", help="folder or file")
    metrics.add_argument("--unpaired", action="store_true", help="as sets: Frechet distances only")
    metrics.add_argument("--frames", type=int, metavar="N", help="the first N frames of each file")
    metrics.add_argument("--size", type=int, metavar="N", help="bring frames to N x N: shorter side, centre crop")
    metrics.add_argument(
        "--extractor", action="append", metavar="NAME", help="i3d, i3d-videogpt, inception, squeezenet1_0"
    )
    metrics.add_argument("--perceptual", action="append", metavar="NAME", help="alex, vgg, squeeze, squeezenet1_0")
    add_networks(metrics)
    add_json(metrics)
    metrics.set_defaults(run=_metrics)


def add_networks(parser: argparse.ArgumentParser) -> None:
    """Options on what is measured with: the judge, weights of published networks, their protocols."""
    parser.add_argument("--judge", metavar="FOLDER", help=f"this project's feature network (default: {JUDGE})")
    parser.add_argument("--protocol", action="append", metavar="NAME", help="of the extractors (default: own)")
    parser.add_argument("--weights", action="append", metavar="NAME=PATH", default=[], help="weights of a network")
    parser.add_argument("--download", action="store_true", help="weights that are not here may be downloaded")
    parser.add_argument("--seed", type=int, default=0, help="of the intervals (default: 0)")


def _metrics(chosen: argparse.Namespace) -> None:
    from tqdm import tqdm

    from sweettok.api.folder_metrics import compare, open_comparison
    from sweettok.training.curriculum import load_judge

    for option in ("frames", "size"):
        if (value := getattr(chosen, option)) is not None and value < 1:
            raise InputError(f"--{option} {value}: expected a number of at least 1")
    settings = network_settings(chosen)
    judge = load_judge(chosen.judge or JUDGE) if chosen.judge or JUDGE.is_dir() else None
    comparison = open_comparison(chosen.real, chosen.made, not chosen.unpaired, chosen.frames, chosen.size)
    found = compare(
        comparison, judge, settings, chosen.seed, lambda pairs: tqdm(pairs, "metrics", unit="pair", disable=None)
    )
    if chosen.json:
        print(json.dumps({"real": chosen.real, "made": chosen.made, **found}, indent=1))
        return
    for name, entry in found["metrics"].items():
        interval = f" [{entry['interval'][0]:.4g}, {entry['interval'][1]:.4g}]" if entry["interval"] else ""
        print(f"{name}: {entry['value']:.4f}{interval} (n = {entry['n']})")
        print("    protocol: " + ", ".join(_protocol(entry["protocol"])))
    for entry in found["left_out"]:
        print(f"left out  {entry['metric']}: {entry['why']}")


def _protocol(facts: dict[str, Any], prefix: str = "") -> list[str]:
    """`key value` of each fact; nested ones, such as a published protocol, with their path."""
    parts: list[str] = []
    for key, value in facts.items():
        parts += _protocol(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key} {value}"]
    return parts


def network_settings(chosen: argparse.Namespace) -> "Metrics":
    """What published networks to measure with: the options', else params.yaml's, else none."""
    import pydantic

    from sweettok.params import Metrics, load_params

    extractors, perceptual = chosen.extractor or [], chosen.perceptual or []
    if not (extractors or perceptual):
        if chosen.weights or chosen.protocol or chosen.download:
            raise InputError(
                "--weights, --protocol and --download are for networks: name some with --extractor, --perceptual"
            )
        if Path("params.yaml").is_file():
            return load_params().metrics.model_copy(update={"sizes": ()})
    paths = {}
    for entry in chosen.weights:
        name, equals, path = entry.partition("=")
        if not equals or name not in (*extractors, *perceptual):
            raise InputError(f"--weights {entry}: expected NAME=PATH of a network named by --extractor or --perceptual")
        paths[name] = path
    weights = {
        name: {"path": paths.get(name), "sha256": None, "download": chosen.download}
        for name in (*extractors, *perceptual)
    }
    try:
        return Metrics.model_validate(
            {
                "extractors": extractors,
                "perceptual": perceptual,
                "protocols": chosen.protocol or ["own"],
                "weights": weights,
                "sizes": [],
            }
        )
    except pydantic.ValidationError as invalid:
        first = invalid.errors()[0]
        place = first["loc"][0] if first["loc"] else "metrics"
        raise InputError(
            f"{place}: {first['msg'].removeprefix('Value error, ')}; got {first['input']!r:.80}"
        ) from invalid
