"""`make audit`: pip-audit and safety-db over constraints.txt -> .ci/audit.json, which the tests compare with constraints.txt.

python -m trust.audit     asks both for known vulnerabilities; status 1 where one is known

pip-audit asks PyPI's database, so it needs the network: where there is none, the record's `answered` is less than `packages`.
safety-db is a package that carries its advisories with it, up to its date (`offline`): old, but it needs no network.
"""

import json
import subprocess
import sys
import time
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from scratch_project import ROOT

from sweettok.storage import read_json, sha256_of, write_json

CONSTRAINTS, RECORD = ROOT / "constraints.txt", ROOT / ".ci" / "audit.json"
TOOL = "pip-audit"


def pins(path: Path = CONSTRAINTS) -> dict[str, str]:
    """Package -> the version that is installed. Raises ValueError on a line that pins none."""
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    pairs = [line.split("==") for line in lines if line]
    if loose := [pair for pair in pairs if len(pair) != 2]:
        raise ValueError(f"{path} does not pin {loose[0][0]}")
    return dict(pairs)


def record_of(answer: dict[str, Any]) -> dict[str, Any]:
    """pip-audit's JSON -> what is kept: whom it knew, and every vulnerability by package."""
    known = [package for package in answer["dependencies"] if "skip_reason" not in package]
    return {
        "constraints_sha256": sha256_of(CONSTRAINTS),
        "date": time.strftime("%Y-%m-%d"),
        "tool": TOOL,
        "packages": len(answer["dependencies"]),
        "answered": len(known),
        "vulnerabilities": {
            f"{package['name']}=={package['version']}": [one["id"] for one in package["vulns"]]
            for package in known
            if package["vulns"]
        },
    }


def listed(packages: dict[str, str], advisories: dict[str, Any]) -> dict[str, Any]:
    """safety-db's advisories (package -> [{id, specs}], and `$meta`) -> what is kept of them about these versions."""
    by_name = {canonicalize_name(name): entries for name, entries in advisories.items() if name != "$meta"}
    found = {
        f"{name}=={installed}": [
            entry["id"]
            for entry in by_name.get(canonicalize_name(name), [])
            if any(SpecifierSet(spec).contains(installed, prereleases=True) for spec in entry["specs"])
        ]
        for name, installed in packages.items()
    }
    return {
        "advisories_until": time.strftime("%Y-%m-%d", time.gmtime(advisories["$meta"]["timestamp"])),
        "packages_with_advisories": sum(canonicalize_name(name) in by_name for name in packages),
        "vulnerabilities": {package: names for package, names in found.items() if names},
    }


def main() -> int:
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", "-r", str(CONSTRAINTS), "--no-deps", "--disable-pip", "--format", "json"],
        capture_output=True,
        text=True,
    )
    try:
        record = record_of(json.loads(done.stdout))
    except ValueError:  # no network, or no pip-audit
        print(f"nothing was asked: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
        record = record_of({"dependencies": [{"name": name, "skip_reason": "no answer"} for name in pins()]})
    carried = distribution("safety-db")  # installed by `make audit` alone, since its licence excludes commercial use
    advisories = read_json(Path(str(carried.locate_file("safety_db/insecure_full.json"))))
    record["offline"] = {"tool": f"safety-db {carried.version}"} | listed(pins(), advisories)
    write_json(RECORD, record)
    offline = record["offline"]
    print(
        f"{RECORD.relative_to(ROOT)}: {record['answered']} of {record['packages']} packages known to PyPI's database,"
    )
    known, until = offline["packages_with_advisories"], offline["advisories_until"]
    print(f"{known} to that of safety-db, whose last advisory is of {until}")
    vulnerabilities = [*record["vulnerabilities"].items(), *offline["vulnerabilities"].items()]
    for package, names in vulnerabilities:
        print(f"{package}: {', '.join(names)}")
    return int(bool(vulnerabilities))


if __name__ == "__main__":
    sys.exit(main())
