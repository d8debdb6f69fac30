"""`sweettok report`: where the page of the current profile is, and what it found, in a few lines."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sweettok.commands.arguments import add_json
from sweettok.errors import InputError

SHOWN = 8  # claims; the page has all
NOT_RUN = "not run"


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    report = commands.add_parser("report", help="where the report is, and its verdicts in ten lines")
    report.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="of a report (default: report.folder of params.yaml)"
    )
    add_json(report)
    report.set_defaults(run=_report)


def _report(chosen: argparse.Namespace) -> None:
    from sweettok.params import load_params
    from sweettok.storage import read_json

    folder = Path(chosen.folder or load_params("params.yaml").report.folder)
    page, file = folder / "index.html", folder / "claims.json"
    if not file.is_file():
        raise InputError(
            f"{folder} has no report; make one with `dvc repro`, or from stored results with `make report`"
        )
    claims = read_json(file)
    if chosen.json:
        verdicts = {claim["claim"]: claim["verdict"] for claim in claims}
        print(json.dumps({"page": str(page.resolve()), "verdicts": verdicts}, indent=1))
        return
    print(
        "\n".join([f"report: {page.resolve()} (open it in a browser), tables: {folder / 'README.md'}", *lines(claims)])
    )


def lines(claims: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each claim that was tested, at most SHOWN of them; then how many others there are."""
    tested = [claim for claim in claims if claim["verdict"] != NOT_RUN]
    shown = [f"  {claim['verdict']:<13} {claim['claim']} ({claim['table']})" for claim in tested[:SHOWN]]
    further = [
        f"{len(tested) - SHOWN} more verdicts are in the report" if len(tested) > SHOWN else "",
        f"{len(claims) - len(tested)} claims were not tested with this profile" if len(tested) < len(claims) else "",
    ]
    rest = "; ".join(filter(None, further))
    return [*shown, f"  {rest}"] if rest else shown
