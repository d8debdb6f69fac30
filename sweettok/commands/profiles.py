"""`sweettok profile`, `check`, `doctor`: which params to run with, whether they are valid, what they need."""

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

from sweettok.commands.arguments import add_json
from sweettok.errors import InputError, counted, one_line

PROFILES, CURRENT = Path("profiles"), Path("params.yaml")


def add(commands: Any) -> None:
    """Add the three subcommands to a parser's."""
    profile = commands.add_parser("profile", help="list, show, diff or switch profiles; `profile NAME` switches to one")
    profile.add_argument("action", nargs="?", default="list", metavar="ACTION", help="list, show, use, diff, or a NAME")
    profile.add_argument(
        "names", nargs="*", metavar="NAME", help="show, use: one; diff: one (against params.yaml) or two"
    )
    add_json(profile)
    profile.set_defaults(run=partial(_profile, profile))

    check = commands.add_parser("check", help="validate a params file, or verify a clip store's checksums")
    check.add_argument("file", nargs="?", default=str(CURRENT), help="params file, or folder of a clip store")
    check.set_defaults(run=lambda chosen: _check(Path(chosen.file)))

    doctor = commands.add_parser(
        "doctor", help="say what a profile needs, what is missing on this machine and where to get it"
    )
    doctor.add_argument("--profile", help="name of a profile (default: examine params.yaml)")
    add_json(doctor)
    doctor.set_defaults(run=lambda chosen: _examine(chosen.profile, chosen.json))


def _profile(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> None:
    actions: dict[str, tuple[Callable[..., None], int, int]] = {
        "list": (_list, 0, 0),
        "show": (_show, 1, 1),
        "use": (_use, 1, 1),
        "diff": (_diff, 1, 2),
    }
    action, names = chosen.action, chosen.names
    if action not in actions:
        action, names = "use", [action, *names]
    run, least, most = actions[action]
    if not least <= len(names) <= most:
        expected = "no name" if most == 0 else "one name" if most == 1 else "one or two names"
        parser.error(f"{action} takes {expected}, got {len(names)}")
    run(chosen.json, *names)


def _list(as_json: bool) -> None:
    """Names of the profiles with the first sentence of each one's first comments."""
    described = {path.stem: _first_sentence(path.read_text(encoding="utf-8")) for path in _known().values()}
    if as_json:
        print(json.dumps(described, indent=1))
    for name, text in described.items() if not as_json else ():
        print(f"{name:12} {text}")


def _show(as_json: bool, name: str) -> None:
    """All values of a profile, those of its base too: the params.yaml that `use` would write."""
    from sweettok.params import load_params, resolved_yaml

    path = _file_of(name)
    params = load_params(path)
    print(json.dumps(params.model_dump(mode="json"), indent=1) if as_json else resolved_yaml(path).rstrip())


def _use(as_json: bool, name: str) -> None:
    """Write all values of a profile to params.yaml; the params it replaces are kept as params.previous.yaml."""
    from sweettok.params import load_params, resolved_yaml
    from sweettok.storage import atomic_file

    source = _file_of(name)
    if (said := load_params(source).profile) != name:  # a copy of a whole profile would overwrite that one's report
        raise InputError(
            f"{source}: profile: {said!r} is not the file's name; write {name}, and a report.folder of its own"
        )
    if CURRENT.exists():
        with atomic_file("params.previous.yaml") as temporary:
            temporary.write_bytes(CURRENT.read_bytes())
    with atomic_file(CURRENT) as temporary:
        temporary.write_text(resolved_yaml(source), encoding="utf-8")
    if as_json:
        print(json.dumps({"profile": name, "file": str(CURRENT)}))
    else:
        print(f"{CURRENT} is now profile {name} (the former one is params.previous.yaml); run `dvc repro`")


def _diff(as_json: bool, name: str, other: str | None = None) -> None:
    """The keys in which two profiles, or a profile and params.yaml, differ."""
    from sweettok.params import load_params

    first, second = (_file_of(name), _file_of(other)) if other else (CURRENT, _file_of(name))
    one, two = load_params(first).flat(), load_params(second).flat()
    differing = {
        key: [one.get(key), two.get(key)] for key in dict.fromkeys((*one, *two)) if one.get(key) != two.get(key)
    }
    if as_json:
        print(json.dumps({"files": [str(first), str(second)], "differing": differing}, indent=1))
        return
    print(f"{first} -> {second}: {counted(len(differing), 'difference')}")
    for key, (before, after) in differing.items():
        print(f"  {key}: {before} -> {after}")


def _first_sentence(text: str) -> str:
    comments = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return re.split(r"(?<=\.) ", " ".join(line.removeprefix("#").strip() for line in comments))[0]


def _known() -> dict[str, Path]:
    """Profiles by name. Raises InputError: not a project here."""
    if known := {path.stem: path for path in sorted(PROFILES.glob("*.yaml"))}:
        return known
    raise InputError(f"no profiles in {Path.cwd()}, which is not a project; run from the root of the project")


def _file_of(name: str) -> Path:
    known = _known()
    if name not in known:
        raise InputError(f"no profile {name!r}; known: {', '.join(known)}")
    return known[name]


def _check(path: Path) -> None:
    if path.is_dir():
        from sweettok.video.store import check_store

        counts = ", ".join(f"{count} {split}" for split, count in check_store(path).items())
        print(f"{one_line(path)}: {counts} clips, all files as they were made")
        return
    from sweettok.params import load_params

    print(f"{one_line(path)}: profile {load_params(path).profile}, valid")


def _examine(name: str | None, as_json: bool) -> int:
    """Print what a profile needs; status 1 where something is missing."""
    from sweettok.doctor import as_text, examine
    from sweettok.params import load_params

    params = load_params(_file_of(name) if name else CURRENT)
    needs = examine(params)
    if as_json:
        print(json.dumps({"profile": params.profile, "needs": [asdict(need) for need in needs]}, indent=2))
    else:
        print(as_text(params.profile, needs))
    return 1 if any(need.state == "missing" for need in needs) else 0
