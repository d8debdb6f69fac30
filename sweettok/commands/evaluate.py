"""`sweettok evaluate`, `tokenizers`, `text-clips`: any tokenizer on any folder, which there are, a folder with words."""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.commands.arguments import add_device, add_json, check_counts, device_of
from sweettok.commands.metrics import (
    add_networks,
    add_output,
    add_skip_shorter,
    network_settings,
    open_judge,
    params_here,
    skipped_line,
    write_output,
)
from sweettok.errors import InputError, counted

if TYPE_CHECKING:
    from sweettok.api.comparison import FolderClips
    from sweettok.api.model import SweetTok
    from sweettok.api.protocol_clips import ProtocolClips
    from sweettok.params import Params, Protocol, TokenizerEntry
    from sweettok.regions.measures import RegionMeasure
    from sweettok.tokenizers.base import ClipTokenizer

REGIONS = ("text", "face")  # metrics that are measured only where --metrics names them


def add(commands: Any) -> None:
    """Add the subcommands to a parser's."""
    evaluate = commands.add_parser(
        "evaluate",
        help="measure a tokenizer on a folder of videos or images; every number comes with its protocol",
        description="A tokenizer is a name of params.tokenizers or of an installed package (`sweettok tokenizers`), or the "
        "folder of a model. Of each file the first frames are taken, resized by the shorter side and cropped at the centre; with "
        "--protocol, what that takes. Stopped runs go on, and several at once share the work, with --parts.",
    )
    evaluate.add_argument(
        "--tokenizer", required=True, metavar="NAME_OR_PATH", help="registered name, or folder of a model"
    )
    evaluate.add_argument("--clips", required=True, metavar="FOLDER", help="folder of videos or images")
    evaluate.add_argument(
        "--metrics", nargs="+", metavar="NAME",
        help="e.g. psnr fvd lpips/alex (default: all available); also text (by OCR) and face (--weights face=ONNX@SHA256)",
    )  # fmt: skip
    evaluate.add_argument(
        "--frames",
        type=int,
        metavar="N",
        help="frames per clip (default: the protocol's, else data.frames of params.yaml; of a model, its own)",
    )
    evaluate.add_argument(
        "--size",
        type=int,
        metavar="N",
        help="side of a frame in pixels (default: the protocol's, else data.size; of a model, its own)",
    )
    add_skip_shorter(evaluate)
    add_device(evaluate)
    add_output(evaluate)
    evaluate.add_argument(
        "--parts",
        metavar="FOLDER",
        help="keep what is measured of each batch there: the same command goes on from it, and several at once share the work",
    )
    add_networks(
        evaluate, "read and measure clips by a published protocol (docs/protocols.md), e.g. larp, tokenbench, vidtok"
    )
    add_json(evaluate)
    evaluate.set_defaults(run=_evaluate)
    listed = commands.add_parser("tokenizers", help="list the registered tokenizers and the packages they come from")
    add_json(listed)
    listed.set_defaults(run=_list)
    words = commands.add_parser("text-clips", help="render clips of moving words, for evaluate --metrics text")
    words.add_argument("folder", metavar="FOLDER", help="new folder: clips, and captions.jsonl with their words")
    for option, default in (("clips", 64), ("frames", 17), ("size", 64), ("seed", 0)):
        words.add_argument(f"--{option}", type=int, default=default, metavar="N", help=f"default: {default}")
    words.set_defaults(run=_text_clips)


def _text_clips(chosen: argparse.Namespace) -> None:
    from sweettok.regions.moving_words import write_word_clips

    check_counts(chosen, "clips", "frames", "size")
    if chosen.seed < 0:
        raise InputError(f"--seed {chosen.seed}: expected a number of at least 0")
    write_word_clips(chosen.folder, chosen.clips, chosen.frames, chosen.size, chosen.seed)


def _list(chosen: argparse.Namespace) -> None:
    from sweettok.tokenizers.registry import registered

    params = params_here()
    found = registered(params.tokenizers if params else {})
    if chosen.json:
        print(json.dumps(found, indent=1))
    for name, factory in found.items() if not chosen.json else ():
        print(f"{name}: {factory}")
    if params is None:
        print("no params.yaml here: those of a project are listed in its folder", file=sys.stderr)


def _evaluate(chosen: argparse.Namespace) -> None:
    from sweettok.api.evaluate import evaluate, open_clips, open_clips_under
    from sweettok.progress import MINUTE, progress

    check_counts(chosen, "frames", "size")
    _check_folder(chosen.clips)
    params, device, protocol = params_here(), device_of(chosen), _protocol(chosen)
    settings = network_settings(_with_networks(chosen, protocol), params)
    tokenizer = _open(chosen, params, protocol)
    shape = tokenizer.frames, tokenizer.size
    clips: FolderClips | ProtocolClips
    if protocol:
        clips = open_clips_under(chosen.clips, protocol, *shape, chosen.skip_shorter)
    else:
        clips = open_clips(chosen.clips, *shape, chosen.skip_shorter)
    judge = open_judge(chosen)

    def watch(name: str, batches: Sequence[int]) -> Any:
        return progress(batches, name, unit="batch", delay=MINUTE)

    parts, regions = chosen.parts, _regions(chosen, clips)
    found = evaluate(tokenizer, clips, judge, settings, chosen.metrics, chosen.seed, device, watch, parts, regions)
    text = write_output(chosen, {"folder": chosen.clips, **found})
    if chosen.json:
        print(text)
    else:
        _print_found(tokenizer, clips, found)
    if chosen.output and "text/accuracy" in found["metrics"]:
        from sweettok.regions.figure import write_text_figure

        write_text_figure(Path(chosen.output).parent, clips.fingerprint)


def _print_found(tokenizer: "ClipTokenizer", clips: "FolderClips | ProtocolClips", found: dict[str, Any]) -> None:
    of = f"{counted(len(clips), 'clip')} of " if len(clips) != len(clips.files) else ""
    on = f"{of}{counted(len(clips.files), 'file')}, {clips.frames}x{clips.size}x{clips.size}"
    print(f"{tokenizer.name} on {on}: {_sizes(found['tokenizer'])} per clip")
    _print_table(found)
    if found["skipped_files"]:
        print(skipped_line(found["skipped_files"], clips.frames))


def _sizes(found: dict[str, Any]) -> str:
    """`1 token, 3 indices, 96 bits`; of a variable rate the bits alone."""
    nouns = {"tokens": ("token",), "indices": ("index", "indices"), "bits": ("bit",)}
    return ", ".join(counted(round(found[key]), *noun) for key, noun in nouns.items() if found[key] is not None)


def _print_table(found: dict[str, Any]) -> None:
    """Metric, value, interval, number of clips, remark; then what was left out. How each was made is in the JSON."""
    from sweettok.metrics.record import caveat
    from sweettok.metrics.registry import title_of

    rows = [("metric", "value", "95 % interval", "n", "")]
    for name, entry in found["metrics"].items():
        low_high = f"[{entry['interval'][0]:.4g}, {entry['interval'][1]:.4g}]" if entry["interval"] else ""
        rows.append((title_of(name), f"{entry['value']:.4f}", low_high, str(entry["n"]), caveat(entry)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, value, interval, number, remark in rows:
        line = f"{name:<{widths[0]}}  {value:>{widths[1]}}  {interval:<{widths[2]}}  {number:>{widths[3]}}  {remark}"
        print(line.rstrip())
    for entry in found["left_out"]:
        print(f"left out  {entry['metric']}: {entry['why']}")


def _protocol(chosen: argparse.Namespace) -> "Protocol | None":
    """The published protocol that --protocol names; None for `own`. Raises InputError (unknown, more than one)."""
    from sweettok.metrics.protocol import preset

    names = chosen.protocol or ["own"]
    if len(names) > 1:
        raise InputError(
            f"--protocol {' '.join(names)}: each reads clips in its own way; run the command once for each"
        )
    return None if names == ["own"] else preset(names[0])


def _open(chosen: argparse.Namespace, params: "Params | None", protocol: "Protocol | None") -> "ClipTokenizer":
    """The tokenizer that --tokenizer names, for clips as --frames, --size, protocol and params say. Raises InputError."""
    from sweettok.api.model import SweetTok
    from sweettok.tokenizers.registry import open_tokenizer, registered
    from sweettok.tokenizers.sweettok import SweetTokTokenizer

    entries = params.tokenizers if params else {}
    name = chosen.tokenizer
    known = registered(entries)
    if name not in known and (Path(name).is_dir() or "/" in name):
        _check_not_proxy(Path(name), entries)
        tok = SweetTok.from_pretrained(name)
        _check_clip(chosen, tok)
        return SweetTokTokenizer(Path(name).name, tok.model, tok.model_id)
    if name not in known and params is None:
        raise InputError(
            f"tokenizer {name!r}: there is no params.yaml here, in which a project names its tokenizers; run this in the "
            "project's folder, or give a model's folder" + (f", or one of {', '.join(known)}" if known else "")
        )
    frames = chosen.frames or (protocol and protocol.frames) or (params and params.data.frames)
    size = chosen.size or (protocol and protocol.resolution) or (params and params.data.size)
    if name in known and not (frames and size):
        raise InputError("there is no params.yaml to tell the length and size of clips; give --frames and --size")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # as for stages: a factory may be a module beside params.yaml
    return open_tokenizer(name, entries, frames or 0, size or 0)


def _check_folder(clips: str) -> None:
    """Raise InputError unless --clips names a folder."""
    if not Path(clips).is_dir():
        state = "is a file, not a folder" if Path(clips).exists() else "does not exist"
        raise InputError(f"--clips: {clips} {state}; name a folder of videos or images")


def _check_not_proxy(folder: Path, entries: "Mapping[str, TokenizerEntry]") -> None:
    """Raise InputError for the folder of a proxy, which is measured by its name in params.tokenizers."""
    from sweettok.storage import read_json

    if not folder.is_dir():
        return
    try:
        config = read_json(folder / "config.json")
    except InputError:
        return  # who opens the model says what is wrong
    if not isinstance(config, dict) or "proxy" not in config or "tokenizer" in config:
        return
    named = [name for name, entry in entries.items() if Path(str(entry.options.get("folder", ""))) == folder]
    entry = f'proxy: {{factory: "sweettok.tokenizers.proxy:from_folder", folder: {folder}}}'
    how = f"give --tokenizer {named[0]}" if named else f"add to params.tokenizers {entry}, then give --tokenizer proxy"
    raise InputError(f"{folder} is a proxy, not a model; to evaluate it, {how}")


def _check_clip(chosen: argparse.Namespace, tok: "SweetTok") -> None:
    """Raise InputError where --frames or --size are not those of a model, which has its own."""
    for option, own in (("frames", tok.frames), ("size", tok.size)):
        if (given := getattr(chosen, option)) not in (None, own):
            raise InputError(
                f"--{option} {given}: the model {chosen.tokenizer} takes clips of {tok.frames}x{tok.size}x{tok.size}; "
                f"leave --{option} out"
            )


def _with_networks(chosen: argparse.Namespace, protocol: "Protocol | None") -> argparse.Namespace:
    """The options, with the published networks that --metrics need: of several the protocol's, whose extractor is measured
    with where no metrics are named. Raises InputError for an unknown metric."""
    from sweettok.metrics.registry import metrics

    known = {name: metric for name, metric in metrics().items() if metric.compares != "samples"}
    named = [name for name in chosen.metrics or () if name not in REGIONS]
    if unknown := [name for name in named if name not in known]:
        raise InputError(f"unknown metric {unknown[0]!r}; choose from {', '.join((*known, *REGIONS))}")
    networks: dict[str, list[str]] = {"pairs": [], "sets": []}
    for name in named:
        choices = known[name].networks
        networks[known[name].compares] += (
            [protocol.extractor] if protocol and protocol.extractor in choices else choices[:1]
        )
    if protocol and chosen.metrics is None:
        networks["sets"] = [protocol.extractor]
    weights = [one for one in chosen.weights if "face" not in (chosen.metrics or ()) or not one.startswith("face=")]
    options = vars(chosen) | {"protocol": None if protocol else chosen.protocol, "weights": weights}
    return argparse.Namespace(**options, extractor=networks["sets"], perceptual=networks["pairs"])


def _regions(chosen: argparse.Namespace, clips: "FolderClips | ProtocolClips") -> "list[RegionMeasure]":
    """Those of REGIONS that --metrics names. Raises InputError (a protocol, no network, labels that do not fit)."""
    from sweettok.api.comparison import FolderClips
    from sweettok.regions import faces, measures, text

    opened, wanted = list[measures.RegionMeasure](), [name for name in REGIONS if name in (chosen.metrics or ())]
    if not wanted:
        return opened
    if not isinstance(clips, FolderClips):
        raise InputError(f"--metrics {wanted[0]} is of no published protocol; leave --protocol out")
    if "text" in wanted:
        opened.append(text.open_text(measures.regions_of(clips, chosen.clips, "words")))
    if "face" in wanted:
        found = [match for one in chosen.weights if (match := re.fullmatch(r"face=(.+?)(?:@([0-9a-f]{64}))?", one))]
        if not found:
            raise InputError("--metrics face needs a network that embeds faces; give --weights face=FILE.onnx@SHA256")
        path, sha256 = found[0].groups()
        opened.append(faces.open_faces(path, sha256, measures.regions_of(clips, chosen.clips, "faces")))
    return opened
