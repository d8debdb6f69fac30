"""Metrics that MLflow did not take: kept line by line in `outputs/unsent_metrics`, sent when it answers again.

A file a stage, a JSON object a line: `run` and `run_id` (null where MLflow never knew the run), and either a value (`key`,
`value`, `timestamp`, `step`) or how the run ended (`status`, `tags`).
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.storage import atomic_file

if TYPE_CHECKING:
    from filelock import FileLock

FOLDER = Path("outputs") / "unsent_metrics"
LOCK_TIMEOUT = 60  # seconds
Line = dict[str, Any]


def unsent_file(root: Path, stage: str) -> Path:
    return root / FOLDER / f"{stage}.jsonl"


def keep(root: Path, stage: str, lines: list[Line]) -> None:
    """Append, line by line: unlike a stage's outputs this log must survive a kill in the middle of training.

    Raises OSError where the file cannot be written.
    """
    file = unsent_file(root, stage)
    file.parent.mkdir(parents=True, exist_ok=True)
    with _lock(root), file.open("a", encoding="utf-8") as log:
        log.writelines(json.dumps(line) + "\n" for line in lines)


def send(root: Path, take: Callable[[str, list[Line]], None]) -> int:
    """take(stage, lines of one run) for every run that has kept lines; what it has taken is forgotten.

    Returns how many runs were taken. Whatever `take` raises propagates, and what it has not taken is still kept.
    """
    if not any((root / FOLDER).glob("*.jsonl")):
        return 0
    sent = 0
    with _lock(root):
        for file in sorted((root / FOLDER).glob("*.jsonl")):
            runs = _by_run(file)
            while runs:
                take(file.stem, runs.pop(0))
                sent += 1
                with atomic_file(file) as temporary:
                    temporary.write_text("".join(json.dumps(line) + "\n" for lines in runs for line in lines))
            file.unlink()
    return sent


def _by_run(file: Path) -> list[list[Line]]:
    """The lines of each run, in the order in which they were kept; a line that a kill has cut is left out."""
    runs: dict[tuple[str, str | None], list[Line]] = {}
    for text in file.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            warnings.warn(f"{file} has a line that is not whole, as a kill leaves it: {text[:80]}", stacklevel=3)
            continue
        runs.setdefault((line["run"], line["run_id"]), []).append(line)
    return list(runs.values())


def _lock(root: Path) -> "FileLock":
    """Held while lines are added or sent: ablation cells side by side share a file."""
    from filelock import FileLock

    return FileLock(root / FOLDER / ".lock", timeout=LOCK_TIMEOUT)
