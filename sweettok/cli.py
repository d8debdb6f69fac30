"""The `sweettok` command. Heavy imports stay inside the subcommands, so that --help answers at once."""

import argparse
import sys
from pathlib import Path

from sweettok.errors import InputError

PROFILES = Path("profiles")


def main(arguments: list[str] | None = None) -> None:
    """Parse and run; an InputError ends with one line and status 1."""
    parser = argparse.ArgumentParser(
        prog="sweettok", description="Reproducibility benchmark of SweetTok (arXiv 2412.10443)."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="validate a params file")
    check.add_argument("file", nargs="?", default="params.yaml")
    check.set_defaults(run=lambda chosen: _check(Path(chosen.file)))

    profile = commands.add_parser("profile", help="list profiles, or make one the current params.yaml")
    profile.add_argument("name", nargs="?", help="profile to use; without it, the profiles are listed")
    profile.set_defaults(run=lambda chosen: _use(chosen.name) if chosen.name else _list())

    compare = commands.add_parser("compare", help="ablation variants side by side, newest runs in MLflow")
    compare.add_argument(
        "--metric", action="append", help="column to show (repeatable; default: psnr and the Frechet distances)"
    )
    compare.set_defaults(run=lambda chosen: _compare(chosen.metric))

    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except InputError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _check(path: Path) -> None:
    from sweettok.params import load_params

    print(f"{path}: profile {load_params(path).profile}, valid")


def _list() -> None:
    """Names of the profiles with the first comment of each (its command, hardware, time, expected result)."""
    for path in sorted(PROFILES.glob("*.yaml")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        print(f"{path.stem:12} {first.removeprefix('# ') if first.startswith('#') else ''}")


def _use(name: str) -> None:
    """Copy a profile over params.yaml; the params it replaces are kept as params.previous.yaml."""
    from sweettok.params import load_params
    from sweettok.storage import atomic_file

    source, target = PROFILES / f"{name}.yaml", Path("params.yaml")
    if not source.is_file():
        known = (
            ", ".join(path.stem for path in sorted(PROFILES.glob("*.yaml"))) or "none here; run from the project's root"
        )
        raise InputError(f"no profile {name!r}; known: {known}")
    load_params(source)
    if target.exists():
        with atomic_file("params.previous.yaml") as temporary:
            temporary.write_bytes(target.read_bytes())
    with atomic_file(target) as temporary:
        temporary.write_bytes(source.read_bytes())
    print(f"params.yaml is now profile {name} (the former one is params.previous.yaml); run `dvc repro`")


def _compare(metrics: list[str] | None) -> None:
    from sweettok.tracking import comparison

    table = comparison()
    if table.empty:
        raise InputError("MLflow has no finished ablation run; run `dvc repro`")
    wanted = metrics or ["psnr", "ssim", "perceptual/judge", "frechet_video/judge"]
    if unknown := [name for name in wanted if name not in table]:
        raise InputError(f"no metric {', '.join(unknown)}; known: {', '.join(map(str, table.columns))}")
    grouped = table.groupby(["profile", "variant"])[wanted]
    print(grouped.agg(["mean", "std", "count"]).round(3).to_string())


if __name__ == "__main__":
    main()
