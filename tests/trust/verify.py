"""`make verify`: run the smoke profile again in a scratch copy and compare its numbers with the committed ones.

python -m trust.verify            status 0 where they agree, 1 with a line for each that does not
python -m trust.verify --write    take the numbers of this run for the expectation (`make expectation`)

Where machine and libraries are those of the expectation (`machine` in expected_smoke.json), every number and every
trained weight must be the same to the last bit. Elsewhere rounding differs, and a number may differ by its tolerance.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from scratch_project import ROOT
from trust.reproduction import Undisturbed, new_project

from sweettok.provenance import code_and_machine
from sweettok.storage import read_json, sha256_of, write_json

EXPECTED = Path(__file__).with_name("expected_smoke.json")
METRICS = "reports/smoke/metrics.json"
WEIGHTS = ("outputs/*/model.safetensors", "outputs/generator/prior.safetensors")
# Of a metric, the first pattern that fits: by how much it may differ on another machine, as a share of its size and
# absolutely. Rounding alone moves what has no tokens in its seventh digit; but a token at a tie may fall the other way,
# and then what follows from tokens moves by percents, and a share of 32 clips or 10 episodes by whole steps.
TOLERANCES = (
    ("few_shot.*", 0.0, 0.15),
    ("probe.*", 0.0, 0.15),
    ("*.class_*", 0.0, 0.15),
    ("*.usage.*", 0.0, 0.1),
    ("reconstruction.sweettok.*", 0.1, 0.01),
    ("reconstruction.proxy.*", 0.1, 0.01),
    ("reconstruction.*", 0.001, 0.0001),
    ("*", 0.1, 0.01),
)


@dataclass(frozen=True)
class Difference:
    """A number that is not what was expected; None where it is absent."""

    name: str
    expected: float | str | None
    found: float | str | None
    allowed: float

    def __str__(self) -> str:
        return f"{self.name}: expected {self.expected}, found {self.found}, may differ by {self.allowed:g}"


def machine() -> dict[str, str]:
    """The facts that decide whether numbers must be the same to the last bit. Runs to be compared have one thread."""
    import numpy
    import torch

    facts = code_and_machine(ROOT)
    return {
        **{name.removeprefix("machine."): facts[name] for name in facts if name.startswith("machine.")},
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "numpy": numpy.__version__,
    }


def tolerance(name: str, value: float) -> float:
    """By how much a metric of this size may differ on another machine."""
    share, absolute = next((share, least) for pattern, share, least in TOLERANCES if fnmatch(name, pattern))
    return share * abs(value) + absolute


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[Difference]:
    """What of `found` is not as expected; both: machine, metrics (name -> number), weights (file -> sha256)."""
    same_machine = expected["machine"] == found["machine"]
    wrong = []
    for name in sorted(expected["metrics"].keys() | found["metrics"].keys()):
        wanted, got = (content["metrics"].get(name) for content in (expected, found))
        allowed = 0.0 if same_machine or wanted is None else tolerance(name, wanted)
        if wanted is None or got is None or not abs(got - wanted) <= allowed:  # `not`: a NaN differs
            wrong.append(Difference(name, wanted, got, allowed))
    if same_machine:
        names = sorted(expected["weights"].keys() | found["weights"].keys())
        pairs = [(name, expected["weights"].get(name), found["weights"].get(name)) for name in names]
        wrong += [Difference(name, wanted, got, 0.0) for name, wanted, got in pairs if wanted != got]
    return wrong


def numbers(folder: Path) -> dict[str, Any]:
    """What is compared, of the smoke profile that has run in `folder`."""
    weights = sorted(path for pattern in WEIGHTS for path in folder.glob(pattern))
    return {
        "machine": machine(),
        "metrics": read_json(folder / METRICS),
        "weights": {str(path.relative_to(folder)): sha256_of(path) for path in weights},
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make this run's numbers the expectation")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sweettok-verify-") as folder:
        print(f"running the smoke profile in {folder}: some minutes", flush=True)
        found = numbers(Undisturbed(new_project(Path(folder) / "project")).folder)
    if chosen.write:
        write_json(EXPECTED, found)
        print(f"wrote {EXPECTED.relative_to(ROOT)}: {len(found['metrics'])} metrics, {len(found['weights'])} weights")
        return 0
    return report(read_json(EXPECTED), found)


def report(expected: dict[str, Any], found: dict[str, Any]) -> int:
    """Print the comparison; the exit status."""
    facts = expected["machine"].keys() | found["machine"].keys()
    other = sorted(name for name in facts if expected["machine"].get(name) != found["machine"].get(name))
    for name in other:
        print(f"{name}: {found['machine'].get(name)} here, {expected['machine'].get(name)} in the expectation")
    rule = "within their tolerances, since the machine is another" if other else "to the last bit"
    wrong = differences(expected, found)
    for difference in wrong:
        print(difference)
    compared = len(expected["metrics"]) + (0 if other else len(expected["weights"]))
    verdict = f"{len(wrong)} differ" if wrong else "all agree"
    print(f"{compared} numbers compared, {rule}: {verdict}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
