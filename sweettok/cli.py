"""The `sweettok` command: its subcommands are in sweettok.commands, one module a family."""

import argparse
import sys
from typing import Any

from sweettok.commands import (
    assets,
    codebook,
    compare,
    completion,
    evaluate,
    export,
    generate,
    metrics,
    new,
    profiles,
    protocols,
    report,
    tokens,
)
from sweettok.errors import InputError, ending_with_the_reader, naming_refused_files, print_any_name
from sweettok.extras import naming_missing_packages

FAMILIES = (tokens, generate, evaluate, metrics, protocols, codebook, new, profiles, report, compare, assets, export)


class Described(argparse._SubParsersAction):
    """Subcommands whose own --help says what the list of commands says of them, where they have no longer description."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser:
        said = options.get("help", "")
        return super().add_parser(name, **{"description": f"{said[:1].upper()}{said[1:]}."} | options)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, without anything heavy imported."""
    parser = argparse.ArgumentParser(
        prog="sweettok", description="Reproducibility benchmark of SweetTok (arXiv 2412.10443)."
    )
    commands = parser.add_subparsers(action=Described, dest="command", required=True, metavar="COMMAND")
    for family in FAMILIES:
        family.add(commands)
    completion.add(commands, parser)
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Parse and run. Exit status: 0 done, 1 bad input (one line on stderr), 2 wrong usage, 130 interrupted, 141 nobody reads
    the output any more (as `| head` does)."""
    print_any_name()
    with ending_with_the_reader():
        status = _run(arguments)
    if status:
        sys.exit(status)


def _run(arguments: list[str] | None) -> int | str | None:
    """The exit status (None: 0), or the line to end with."""
    chosen = build_parser().parse_args(arguments)
    try:
        with naming_refused_files(), naming_missing_packages():
            return chosen.run(chosen)
    except InputError as error:
        return f"error: {error}"
    except KeyboardInterrupt:
        again = "add --resume to make the others" if hasattr(chosen, "resume") else "run the same command again"
        print(f"interrupted: files that were written are complete; {again}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    main()
