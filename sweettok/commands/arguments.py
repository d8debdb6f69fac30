"""Options that several subcommands share, and the model they name."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sweettok.errors import InputError, naming_absent_device

if TYPE_CHECKING:
    from sweettok.api.model import SweetTok

MODEL = Path("outputs/model")  # what the pipeline's stage export_model leaves
Existing = Literal["refuse", "overwrite", "keep"]  # an output that is there
DEVICES, DTYPES = ("auto", "cpu", "cuda"), ("float32", "bfloat16", "float16")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="PATH", help=f"model folder, or name on the hub (default: {MODEL})")
    add_device(parser)
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="precision of the network's arithmetic")


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="device to compute on (auto: cuda if available)"
    )


def add_inputs(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help=f"{what}: files, folders, globs, or - for a list on stdin"
    )


def add_output(parser: argparse.ArgumentParser, default: str, endings: tuple[str, ...]) -> None:
    parser.add_argument(
        "-o", "--output", default=default, metavar="PATH",
        help=f"output folder, or for a single input an output file ({' '.join(endings)}); default: the folder {default}",
    )  # fmt: skip
    add_existing(parser)


def add_existing(parser: argparse.ArgumentParser) -> None:
    """What to do with outputs that exist, where a command writes several: `existing` tells which was chosen."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--force", action="store_true", help="overwrite existing files")
    group.add_argument(
        "--resume", action="store_true", help="keep existing files and make the others, as after an interruption"
    )


def existing(chosen: argparse.Namespace) -> "Existing":
    return "overwrite" if chosen.force else "keep" if chosen.resume else "refuse"


def add_fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fit", choices=("crop", "stretch"), default="crop",
        help="how frames become square: crop the centre, or stretch the whole picture",
    )  # fmt: skip


def invalid_option(errors: Sequence[Any], aliases: dict[str, str] | None = None) -> InputError:
    """What pydantic found first, in terms of the command line. aliases: field -> option, where the names differ."""
    first = errors[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    reason = first["msg"].removeprefix("Value error, ").replace("Input should be ", "expected ", 1)
    if not field:
        return InputError(reason)
    option = (aliases or {}).get(field, field).replace("_", "-")
    return InputError(f"--{option} {first['input']!s:.80}: {reason}")


def open_model(chosen: argparse.Namespace) -> "SweetTok":
    """The model that the options name. Raises InputError (none there, damaged, no such device)."""
    from sweettok.api.model import DTYPES as TORCH_DTYPES
    from sweettok.api.model import SweetTok

    if chosen.model is None and not MODEL.is_dir():
        raise InputError(f"no model in {MODEL}; run `dvc repro export_model`, or give --model")
    return SweetTok.from_pretrained(chosen.model or MODEL, device=device_of(chosen), dtype=TORCH_DTYPES[chosen.dtype])


def device_of(chosen: argparse.Namespace) -> str:
    """Where --device says to compute. Raises InputError for a device that is not here."""
    import torch

    if chosen.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    with naming_absent_device(chosen.device):
        torch.empty(0, device=chosen.device)
    return chosen.device


def check_counts(chosen: argparse.Namespace, *options: str) -> None:
    """Raise InputError for one of these options that is given and below 1."""
    for option in options:
        if (value := getattr(chosen, option)) is not None and value < 1:
            raise InputError(f"--{option} {value}: expected a number of at least 1")
