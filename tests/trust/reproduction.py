"""A `dvc repro` that can be struck at a moment, and what it leaves on disk."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from scratch_project import Project

from sweettok.storage import sha256_of

PATIENCE = 1800  # seconds for a stage to begin, or a struck process to end, on a busy machine too
LOOK = 0.02  # seconds between two looks
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # sums in one order, however many cores there are
ANNOUNCED = re.compile(r"^Running stage '(.+)':", re.MULTILINE)


@dataclass(frozen=True)
class Strike:
    """A signal to one of `dvc`, the `stage` that it runs, or the `group` of all its processes, `after` seconds after
    DVC has announced the stage `at` or, where that one is done already, a later one."""

    at: str
    after: float
    blow: signal.Signals
    whom: str


def new_project(folder: Path) -> Project:
    """A scratch copy with the smoke profile, in which DVC does without git."""
    project = Project(folder)
    project.run("config", "core.no_scm", "true")
    return project


def _heed_interrupts() -> None:
    """Ctrl-C as at a terminal: what a script starts in the background would inherit that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Reproduction:
    """`dvc repro` in a session of its own, so that a signal to its group reaches its stages and not the tests."""

    def __init__(self, project: Project) -> None:
        self.log = project.folder / "repro.log"
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dvc", "repro"], cwd=project.folder, start_new_session=True, text=True,
                env=project.environment | ONE_THREAD | {"PYTHONUNBUFFERED": "1"},
                stdout=output, stderr=subprocess.STDOUT, preexec_fn=_heed_interrupts,
            )  # fmt: skip

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def announced(self) -> list[str]:
        """The stages that DVC has begun to run, in order."""
        return ANNOUNCED.findall(self.log.read_text(errors="replace"))

    def times(self) -> list[tuple[str, float]]:
        """Run to the end: (stage, seconds after the start) as they are announced, and ("", seconds) at the end."""
        started, seen = time.monotonic(), []
        while not self.ended:
            for stage in self.announced()[len(seen) :]:
                seen.append((stage, time.monotonic() - started))
            time.sleep(LOOK)
        return [*seen, ("", time.monotonic() - started)]

    def struck(self, strike: Strike, order: list[str]) -> str | None:
        """Wait for the moment and strike; the stage that was running, or None where DVC ended before."""
        begun = set(order[order.index(strike.at) :])
        for _ in range(round(PATIENCE / LOOK)):  # looks and not the clock, so that all of it can be stopped for a while
            if self.ended:
                return None
            if begun & set(self.announced()):
                break
            time.sleep(LOOK)
        else:
            raise TimeoutError(f"{strike.at} did not begin: {self.tail()}")
        time.sleep(strike.after)
        if self.ended:
            return None
        running = self.announced()[-1]
        self._blow(strike)
        self.process.wait(PATIENCE)
        return running

    def _blow(self, strike: Strike) -> None:
        if strike.whom == "group":
            os.killpg(self.process.pid, strike.blow)
            return
        victims = [psutil.Process(self.process.pid)]
        if strike.whom == "stage":  # DVC alone where it is between two stages
            victims = victims[0].children() or victims
        with suppress(psutil.NoSuchProcess):
            victims[0].send_signal(strike.blow)

    def members(self) -> list[int]:
        """The processes of the session that are still there."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if os.getpgid(process.pid) == self.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
        return found

    def end(self) -> None:
        """Let nothing of this session live on."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


class Undisturbed:
    """A run to the end: its folder, its stages in order, when they began and it ended (s), every file's sha256."""

    def __init__(self, project: Project) -> None:
        run = Reproduction(project)
        self.folder, self.times = project.folder, run.times()
        assert run.process.returncode == 0, run.tail()
        self.order = [stage for stage, _ in self.times[:-1]]
        self.contents = contents(project.folder)


def contents(folder: Path) -> dict[str, str]:
    """Path -> sha256 of all files of the outputs and the report, hidden ones too; without the trainings' checkpoints."""
    found = {}
    for top in ("outputs", "reports"):
        for path in sorted((folder / top).rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_file() and not name.startswith("outputs/.checkpoints/"):
                with suppress(FileNotFoundError):  # of a stage that outlives its DVC
                    found[name] = _page_digest(path) if path.name == "index.html" else sha256_of(path)
    return found


def _page_digest(path: Path) -> str:
    """sha256 of the web page without the body of its last section: run facts, which hold times."""
    above, heading, facts = path.read_text(encoding="utf-8").partition('<h2 id="facts">')
    return hashlib.sha256((above + heading + facts[-20:]).encode()).hexdigest()


def unlike(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Files that have another content than expected, or that nobody expects; what hidden writers leave is not taken."""
    visible = {name: digest for name, digest in found.items() if not any(part[0] == "." for part in Path(name).parts)}
    return [name for name, digest in visible.items() if expected.get(name) != digest]


def torn_cache_objects(folder: Path) -> list[str]:
    """Files of DVC's cache that are not what their names, their md5, say."""
    torn = []
    for path in (folder / ".dvc" / "cache" / "files" / "md5").glob("??/*"):
        if len(path.name.removesuffix(".dir")) != 30:  # temporary names
            continue
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        if digest != path.parent.name + path.name.removesuffix(".dir"):
            torn.append(path.name)
    return torn
