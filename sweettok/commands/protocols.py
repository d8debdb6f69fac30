"""`sweettok protocols`: which choice of a protocol moves the number, by how much, against the sampling interval."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.commands.arguments import add_device, add_json, check_counts, device_of
from sweettok.commands.metrics import JUDGE, open_judge
from sweettok.errors import InputError

if TYPE_CHECKING:
    from sweettok.metrics.extractors import Extractor

EXTRACTORS = ("judge", "i3d-random", "i3d", "i3d-videogpt")


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    protocols = commands.add_parser(
        "protocols",
        help="two folders under every published protocol, and which choice of a protocol moves the number",
        description="The Frechet distance of MADE from REAL under every protocol side by side, then under --base with one choice "
        "changed at a time, each with its 95 % sampling interval, those that move the number most first. Files of the same names "
        "are taken for reconstructions, which also have PSNR and SSIM.",
    )
    protocols.add_argument("real", metavar="REAL", help="folder of videos")
    protocols.add_argument("made", metavar="MADE", help="folder of generated or reconstructed videos")
    protocols.add_argument(
        "--base",
        default="own",
        metavar="NAME",
        help="protocol whose choices are changed (default: own, the first frames)",
    )
    protocols.add_argument("--frames", type=int, metavar="N", help="frames of own (default: 16, or as all files have)")
    protocols.add_argument("--size", type=int, metavar="N", help="pixels a side of own (default: as all files have)")
    protocols.add_argument(
        "--extractor", action="append", choices=EXTRACTORS,
        help="what measures (default: judge); given again: a further choice. i3d-random has learned nothing",
    )  # fmt: skip
    protocols.add_argument("--judge", metavar="FOLDER", help=f"folder of the judge (default: {JUDGE})")
    protocols.add_argument("--weights", action="append", metavar="NAME=PATH", default=[], help="weights file of an I3D")
    protocols.add_argument("--download", action="store_true", help="download missing weights")
    protocols.add_argument("--seed", type=int, default=0, help="seed of the intervals (default: 0)")
    protocols.add_argument("--figure", metavar="FILE", help="draw it: .png, .svg or .pdf")
    add_device(protocols)
    add_json(protocols)
    protocols.set_defaults(run=_protocols)


def _protocols(chosen: argparse.Namespace) -> None:
    from sweettok.api.protocol_comparison import compare_protocols, open_folders
    from sweettok.progress import MINUTE, progress

    check_counts(chosen, "frames", "size")
    if chosen.figure and Path(chosen.figure).suffix not in (".png", ".svg", ".pdf"):
        raise InputError(f"--figure {chosen.figure}: expected a name that ends in .png, .svg or .pdf")
    chosen.extractor = list(dict.fromkeys(chosen.extractor or ["judge"]))
    if unknown := [
        entry for entry in chosen.weights if entry.partition("=")[0] not in chosen.extractor or "=" not in entry
    ]:
        raise InputError(f"--weights {unknown[0]}: expected NAME=PATH of an --extractor: {', '.join(chosen.extractor)}")
    extractors = [_extractor(name, chosen).to(device_of(chosen)) for name in chosen.extractor]
    folders = open_folders(chosen.real, chosen.made, chosen.seed)
    found = compare_protocols(
        folders, extractors, chosen.base, chosen.frames, chosen.size,
        lambda jobs: progress(jobs, "protocols", unit="row", delay=MINUTE),
    )  # fmt: skip
    if chosen.figure:
        _draw(found, extractors[0].name, Path(chosen.figure))
    if chosen.json:
        print(json.dumps({"real": chosen.real, "made": chosen.made, **found}, indent=1))
    else:
        _print_tables(found, extractors[0])


def _extractor(name: str, chosen: argparse.Namespace) -> "Extractor":
    """An extractor of videos by name. Raises InputError (no judge here, weights absent)."""
    from sweettok.metrics.extractors import judge_extractor, open_extractor, random_i3d
    from sweettok.metrics.scorers import NO_JUDGE
    from sweettok.params import WeightsSource

    if name == "i3d-random":
        return random_i3d()
    if name == "judge":
        if (judge := open_judge(chosen)) is None:
            raise InputError(f"{NO_JUDGE}, or another --extractor")
        return judge_extractor(judge, "video")
    paths = dict(entry.partition("=")[::2] for entry in chosen.weights)
    return open_extractor(name, WeightsSource(path=paths.get(name), sha256=None, download=chosen.download))


def _draw(found: dict[str, Any], extractor: str, path: Path) -> None:
    from sweettok.api.protocol_figure import protocol_figure
    from sweettok.storage import atomic_file

    with atomic_file(path) as file:
        protocol_figure(found, extractor).savefig(file, format=path.suffix[1:])


def _print_tables(found: dict[str, Any], extractor: "Extractor") -> None:
    from sweettok.api.protocol_comparison import shown
    from sweettok.metrics.protocol import in_words
    from sweettok.metrics.record import caveat

    base = next(row["record"] for row in found["protocols"] if row["protocol"] == found["base"])
    rows = [["protocol", extractor.metric, "95 % interval", "n", "PSNR", "SSIM", "changed"]]
    for row in found["protocols"]:
        pairs = [f"{row['pairs'][name]:.2f}" if name in row["pairs"] else "" for name in ("psnr", "ssim")]
        rows.append([row["protocol"], *_number(row["record"]), *pairs, in_words(row["changed"])])
    _print(rows)
    rows = [
        ["", "", "", "", "", "", ""],
        [f"{found['base']}, one choice changed", "value", "change", "relative", "95 % interval", "n", "the interval"],
    ]
    same = [f"{row['choice']} {shown(row['value'])}" for row in found["choices"] if row["change"] == 0]
    for row in found["choices"]:
        if row["change"] == 0:
            continue
        value, interval, n = _number(row["record"])
        share = f"{row['change'] / base['value']:+.1%}" if base["value"] else ""
        said = f"{row['choice']}: {shown(row['was'])} -> {shown(row['value'])}"
        few = ", too few clips" if caveat(row["record"]) and not caveat(base) else ""
        rows.append([said, value, f"{row['change']:+.4g}", share, interval, n, _against_sampling(row, base) + few])
    _print(rows)
    if same:
        print(f"no change  {', '.join(same)}")
    for entry in found["left_out"]:
        print(f"left out  {entry['protocol']}: {entry['why']}")
    if remark := caveat(base):
        print(remark)


def _number(record: dict[str, Any]) -> list[str]:
    interval = f"[{record['interval'][0]:.4g}, {record['interval'][1]:.4g}]" if record["interval"] else ""
    return [f"{record['value']:.4g}", interval, str(record["n"])]


def _against_sampling(row: dict[str, Any], base: dict[str, Any]) -> str:
    """Whether a changed choice leads out of the base's sampling interval."""
    if row["choice"] == "extractor":
        return "another scale"
    low, high = base["interval"] or (base["value"], base["value"])
    return "within" if low <= row["record"]["value"] <= high else "beyond"


def _print(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())
