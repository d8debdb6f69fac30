"""`sweettok report`: where a report is, and what it found, in a few lines."""

import argparse
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sweettok.commands.arguments import add_json
from sweettok.commands.compare_reports import read_claims, report_file
from sweettok.commands.profiles import CURRENT, PROFILES
from sweettok.errors import InputError

SHOWN = 8  # claims; the page has all
NOT_RUN = "not run"


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    report = commands.add_parser("report", help="show where the report is, and its verdicts in ten lines")
    report.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="folder of a report (default: report.folder of params.yaml)"
    )
    add_json(report)
    report.set_defaults(run=_report)


def _report(chosen: argparse.Namespace) -> None:
    folder = Path(chosen.folder or _current_folder())
    page, file = folder / "index.html", report_file(folder)
    if file is None:
        raise InputError(f"{folder} holds no report; {_how_to_make(folder)} makes it")
    claims = read_claims(file)
    if chosen.json:
        verdicts = {claim["claim"]: claim["verdict"] for claim in claims}
        shown = str(page.resolve()) if page.is_file() else None
        print(json.dumps({"page": shown, "verdicts": verdicts}, indent=1))
        return
    where = f"{page.resolve()} (open it in a browser), tables: {folder / 'README.md'}"
    if not page.is_file():
        where = f"{folder} holds numbers only; {_how_to_make(folder)} makes the page"
    print("\n".join([f"report: {where}", *lines(claims)]))


def _how_to_make(folder: Path) -> str:
    """The commands that write a report there: of the current profile, or of the one that names this folder."""
    from sweettok.params import load_params

    if CURRENT.is_file() and folder.resolve() == Path(_current_folder()).resolve():
        return "`dvc repro`"
    for path in sorted(PROFILES.glob("*.yaml")):
        with suppress(InputError):
            if Path(load_params(path).report.folder).resolve() == folder.resolve():
                return f"`sweettok profile {path.stem} && dvc repro`"
    return "`dvc repro` with a profile whose report.folder is this one"


def _current_folder() -> str:
    from sweettok.params import load_params

    return load_params(CURRENT).report.folder


def lines(claims: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each claim that was tested, at most SHOWN of them; then how many others there are."""
    tested = [claim for claim in claims if claim["verdict"] != NOT_RUN]
    shown = [f"  {claim['verdict']:<13} {claim['claim']} ({claim['table']})" for claim in tested[:SHOWN]]
    further = [
        f"{len(tested) - SHOWN} more verdicts are in the report" if len(tested) > SHOWN else "",
        f"{len(claims) - len(tested)} claims were not tested in this run" if len(tested) < len(claims) else "",
    ]
    rest = "; ".join(filter(None, further))
    return [*shown, f"  {rest}"] if rest else shown
