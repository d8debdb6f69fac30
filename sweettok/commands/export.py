"""`sweettok export`: any trained model as a folder to share, with checksums and a card; outputs/model is one already."""

import argparse
from pathlib import Path
from typing import Any

from sweettok.commands.arguments import add_model, open_model
from sweettok.commands.files import check_writable
from sweettok.errors import InputError, one_line


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    export = commands.add_parser("export", help="write the model to a folder to share, with checksums and a model card")
    export.add_argument("-o", "--output", default="exported", metavar="FOLDER", help="default: exported")
    export.add_argument("--metrics", metavar="FILE", help="reports/metrics.json of the run, for the model card")
    export.add_argument("--force", action="store_true", help="replace an existing model")
    add_model(export)
    export.set_defaults(run=_export)


def _export(chosen: argparse.Namespace) -> None:
    folder = Path(chosen.output)
    if folder.is_dir() and any(folder.iterdir()) and not chosen.force:
        raise InputError(f"{folder} exists; add --force to replace it")
    check_writable(folder)
    model = open_model(chosen)
    model.save_pretrained(folder, metrics=chosen.metrics)
    print(f"{one_line(folder)}: model {model.model_id[:12]}")
