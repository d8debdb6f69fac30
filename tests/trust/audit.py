"""`make audit`: pip-audit over constraints.txt -> .ci/audit.json, which the tests compare with constraints.txt.

python -m trust.audit     asks the database of known vulnerabilities, so it needs the network; status 1 where one is known

Without network the record says that nothing was asked: `answered` is then less than `packages`.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from scratch_project import ROOT

from sweettok.storage import sha256_of, write_json

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
    write_json(RECORD, record)
    print(f"{RECORD.relative_to(ROOT)}: {record['answered']} of {record['packages']} packages known to the database")
    for package, names in record["vulnerabilities"].items():
        print(f"{package}: {', '.join(names)}")
    return int(bool(record["vulnerabilities"]))


if __name__ == "__main__":
    sys.exit(main())
