"""The `sweettok` command. Heavy imports stay inside the subcommands, so that --help answers at once."""

import argparse
import json
import sys
from dataclasses import asdict
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

    doctor = commands.add_parser("doctor", help="what a profile needs, what is missing here and where to get it")
    doctor.add_argument("--profile", help="one of `sweettok profile`; without it, params.yaml is examined")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=lambda chosen: _examine(chosen.profile, chosen.json))

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

    source, target = _profile_file(name), Path("params.yaml")
    load_params(source)
    if target.exists():
        with atomic_file("params.previous.yaml") as temporary:
            temporary.write_bytes(target.read_bytes())
    with atomic_file(target) as temporary:
        temporary.write_bytes(source.read_bytes())
    print(f"params.yaml is now profile {name} (the former one is params.previous.yaml); run `dvc repro`")


def _profile_file(name: str) -> Path:
    known = {path.stem: path for path in sorted(PROFILES.glob("*.yaml"))}
    if name not in known:
        raise InputError(f"no profile {name!r}; known: {', '.join(known) or 'none here; run from the project root'}")
    return known[name]


def _examine(name: str | None, as_json: bool) -> None:
    """Print what a profile needs; status 1 where something is missing."""
    from sweettok.doctor import as_text, examine
    from sweettok.params import load_params

    params = load_params(_profile_file(name) if name else "params.yaml")
    needs = examine(params)
    if as_json:
        print(json.dumps({"profile": params.profile, "needs": [asdict(need) for need in needs]}, indent=2))
    else:
        print(as_text(params.profile, needs))
    if any(need.state == "missing" for need in needs):
        sys.exit(1)


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
