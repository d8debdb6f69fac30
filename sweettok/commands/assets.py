"""`sweettok assets`: the published networks' weights, where they are looked for, and their download."""

import argparse
import json
from typing import Any

from sweettok.commands.arguments import add_json
from sweettok.errors import InputError


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    assets = commands.add_parser(
        "assets", help="list weights of published networks (sha256, address, local path), or download one"
    )
    assets.add_argument("name", nargs="?", help="a network (default: list all)")
    assets.add_argument("--download", action="store_true", help="download the named network's weights over https")
    add_json(assets)
    assets.set_defaults(run=_assets)


def _assets(chosen: argparse.Namespace) -> None:
    from sweettok.metrics.networks import FILES

    if chosen.name is not None and chosen.name not in FILES:
        raise InputError(f"unknown network {chosen.name!r}; choose from {', '.join(FILES)}")
    if chosen.download:
        _download(chosen.name, chosen.json)
        return
    names = [chosen.name] if chosen.name else list(FILES)
    found = [_described(name, file) for name in names for file in FILES[name][1]]
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    for entry in found:
        print(f"{entry['network']}: {entry['file']} ({entry['state']})")
        for key in ("sha256", "url", "place"):
            print(f"    {key:7} {entry[key] or 'not published'}")


def _described(network: str, file: Any) -> dict[str, Any]:
    """A published file, and where the download would be kept: absent without address and checksum."""
    from sweettok.storage import sha256_of
    from sweettok.weights import cache_folder

    entry = {"network": network, "file": file.name, "sha256": file.sha256, "url": file.url, "place": None}
    if not (file.url and file.sha256):
        return entry | {"state": "no download known; give its path in params.yaml, metrics.weights"}
    path = cache_folder() / f"{file.sha256[:16]}-{file.name}"
    if not path.is_file():
        return entry | {"place": str(path), "state": "not here"}
    state = "here" if sha256_of(path) == file.sha256 else "damaged; delete it"
    return entry | {"place": str(path), "state": state}


def _download(name: str | None, as_json: bool) -> None:
    from sweettok.metrics.networks import FILES
    from sweettok.params import WeightsSource
    from sweettok.weights import locate

    if name is None:
        raise InputError(f"--download needs the name of one network: {', '.join(FILES)}")
    found = locate(*FILES[name], WeightsSource(path=None, sha256=None, download=True))
    print(json.dumps({"path": str(found.path), "sha256": found.sha256}) if as_json else f"{name}: {found.path}")
