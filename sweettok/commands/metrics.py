"""`sweettok metrics`: how near generated videos are to real ones, with the protocol of every number."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.commands.arguments import add_device, add_json, check_counts, device_of, invalid_option
from sweettok.errors import InputError, counted, one_line

if TYPE_CHECKING:
    from sweettok.models.judge import Judge
    from sweettok.params import Metrics, Params

JUDGE, PARAMS = Path("outputs/judge"), Path("params.yaml")


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    metrics = commands.add_parser(
        "metrics",
        help="compare two folders (or files): PSNR, SSIM, perceptual and Frechet distances, with their protocols",
        description="Files of two folders are paired by name. LPIPS, FVD and FID are measured where --perceptual and "
        "--extractor name their networks; without these options, as `metrics` in params.yaml says, if it is there.",
    )
    metrics.add_argument("real", metavar="REAL", help="folder or file")
    metrics.add_argument("generated", metavar="GENERATED", help="folder or file")
    metrics.add_argument("--unpaired", action="store_true", help="compare as sets: Frechet distances only")
    metrics.add_argument("--frames", type=int, metavar="N", help="use the first N frames of each file")
    add_skip_shorter(metrics)
    metrics.add_argument("--size", type=int, metavar="N", help="resize frames of both sides to N x N")
    metrics.add_argument(
        "--fit", choices=("crop", "stretch"),
        help="how to resize: shorter side and centre crop, or stretch; choose what was done to GENERATED (default: crop, for equal shapes)",
    )  # fmt: skip
    metrics.add_argument(
        "--extractor",
        action="append",
        metavar="NAME",
        help="network of the Frechet distances: i3d, i3d-videogpt, inception, squeezenet1_0",
    )
    metrics.add_argument(
        "--perceptual",
        action="append",
        metavar="NAME",
        help="network of the perceptual distance: alex, vgg, squeeze, squeezenet1_0",
    )
    add_networks(metrics)
    add_device(metrics)
    add_output(metrics)
    add_json(metrics)
    metrics.set_defaults(run=_metrics)


def add_skip_shorter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--skip-shorter", action="store_true", help="skip files with fewer frames, and count them")


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="JSON", help="write numbers and protocols to a file")


def write_output(chosen: argparse.Namespace, found: dict[str, Any]) -> str:
    """The numbers as JSON, also written to --output."""
    from sweettok.storage import atomic_file

    text = json.dumps(found, indent=1)
    if chosen.output:
        with atomic_file(Path(chosen.output)) as file:
            file.write_text(text + "\n", encoding="utf-8")
    return text


def add_networks(
    parser: argparse.ArgumentParser,
    protocol: str = "protocol of the extractors (default: own); may be given several times",
) -> None:
    """Options on what is measured with: the judge, weights of published networks, their protocols (what help says of it)."""
    parser.add_argument(
        "--judge", metavar="FOLDER", help=f"folder of the judge, which measures distances (default: {JUDGE})"
    )
    parser.add_argument("--protocol", action="append", metavar="NAME", help=protocol)
    parser.add_argument("--weights", action="append", metavar="NAME=PATH", default=[], help="weights file of a network")
    parser.add_argument("--download", action="store_true", help="download missing weights")
    parser.add_argument("--seed", type=int, default=0, help="seed of the intervals (default: 0)")


def _metrics(chosen: argparse.Namespace) -> None:
    from sweettok.api.comparison import open_comparison
    from sweettok.api.folder_metrics import compare
    from sweettok.metrics.record import caveat
    from sweettok.progress import MINUTE, progress

    check_counts(chosen, "frames", "size")
    settings = network_settings(chosen, params_here())
    judge = open_judge(chosen)
    comparison = open_comparison(
        chosen.real, chosen.generated, not chosen.unpaired, chosen.frames, chosen.size, chosen.fit, chosen.skip_shorter
    )
    found = compare(
        comparison, judge, settings, chosen.seed,
        lambda pairs: progress(pairs, "metrics", unit="pair", delay=MINUTE), device_of(chosen),
    )  # fmt: skip
    text = write_output(chosen, {"real": chosen.real, "generated": chosen.generated, **found})
    if chosen.json:
        print(text)
        return
    for name, entry in found["metrics"].items():
        interval = f" [{entry['interval'][0]:.4g}, {entry['interval'][1]:.4g}]" if entry["interval"] else ""
        print(f"{name}: {entry['value']:.4f}{interval} (n = {entry['n']})  {caveat(entry)}".rstrip())
        print("    protocol: " + ", ".join(_protocol(entry["protocol"])))
    for entry in found["left_out"]:
        print(f"left out  {entry['metric']}: {entry['why']}")
    if found["skipped_files"]:
        print(skipped_line(found["skipped_files"], chosen.frames, comparison.skipped_pairs))


def skipped_line(files: list[str], frames: int, pairs: int = 0) -> str:
    """How many files were shorter than asked, the first of them, and how many pairs went with them."""
    lost = f", so {counted(pairs, 'pair')}" if pairs else ""
    more = ", ..." if len(files) > 1 else ""
    return one_line(f"skipped   {counted(len(files), 'file')} below {counted(frames, 'frame')}{lost}: {files[0]}{more}")


def _protocol(facts: dict[str, Any], prefix: str = "") -> list[str]:
    """`key value` of each fact; nested ones, such as a published protocol, with their path."""
    parts: list[str] = []
    for key, value in facts.items():
        parts += _protocol(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key} {value}"]
    return parts


def open_judge(chosen: argparse.Namespace) -> "Judge | None":
    """The judge that --judge names, else the pipeline's, else None."""
    from sweettok.training.curriculum import load_judge

    return load_judge(chosen.judge or JUDGE) if chosen.judge or JUDGE.is_dir() else None


def params_here() -> "Params | None":
    """Those of params.yaml, if it is there and this project's: any project of DVC may have a file of that name.

    Any other file is ignored, with a line on stderr: all that it could add are networks and names.
    """
    from sweettok.params import load_params

    if not PARAMS.is_file():
        return None
    try:
        return load_params()
    except InputError as error:
        print(
            f"params.yaml is ignored, because it belongs to another project or is not valid: {error}", file=sys.stderr
        )
        return None


def network_settings(chosen: argparse.Namespace, params: "Params | None") -> "Metrics":
    """What published networks to measure with: the options', else those of params, else none."""
    import pydantic

    from sweettok.params import Metrics

    extractors, perceptual = chosen.extractor or [], chosen.perceptual or []
    if not (extractors or perceptual):
        if chosen.weights or chosen.protocol or chosen.download:
            raise InputError(
                "--weights, --protocol and --download need a network; name one with --extractor or --perceptual (evaluate: "
                "with --metrics)"
            )
        if params:
            return params.metrics.model_copy(update={"sizes": ()})
    paths = {}
    for entry in chosen.weights:
        name, equals, path = entry.partition("=")
        if not equals or name not in (*extractors, *perceptual):
            named = ", ".join((*extractors, *perceptual))
            raise InputError(f"--weights {entry}: expected NAME=PATH of a network that is measured with: {named}")
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
        raise invalid_option(invalid.errors(), {"extractors": "extractor", "protocols": "protocol"}) from invalid
