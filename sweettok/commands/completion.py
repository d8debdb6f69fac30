"""`sweettok completion`: completion scripts for shells."""

import argparse
from typing import Any

SHELLS = ("bash", "zsh", "tcsh")


def add(commands: Any, parser: argparse.ArgumentParser) -> None:
    """Add the subcommand to a parser's; it describes that `parser`."""
    completion = commands.add_parser(
        "completion",
        help="print a completion script for a shell",
        description='bash: eval "$(sweettok completion bash)"',
    )
    completion.add_argument("shell", choices=SHELLS)
    completion.set_defaults(run=lambda chosen: _print(parser, chosen.shell))


def _print(parser: argparse.ArgumentParser, shell: str) -> None:
    import shtab

    print(shtab.complete(parser, shell))
