"""`dvc repro` killed at random moments: going on gives the same files, to the last bit, and nothing needs a hand."""

import random
import shutil
import signal
import subprocess
from collections import Counter
from dataclasses import replace

import pytest
from scratch_project import ROOT
from trust.reproduction import Reproduction, Strike, contents, new_project, torn_cache_objects, unlike

pytestmark = pytest.mark.slow

SEED = 0
STRIKES = 20
# Ctrl-C reaches the whole group; DVC itself ignores it while a stage runs. The kernel, short of memory, kills one process.
BLOWS = (
    (signal.SIGKILL, "group"), (signal.SIGTERM, "group"), (signal.SIGINT, "group"),
    (signal.SIGKILL, "dvc"), (signal.SIGTERM, "dvc"), (signal.SIGINT, "group"),
    (signal.SIGKILL, "stage"), (signal.SIGTERM, "stage"), (signal.SIGINT, "stage"),
)  # fmt: skip


def drawn_strikes(times, count, seed):
    """Moments drawn from `count` equal parts of an uninterrupted run, one each; each way of striking in turn."""
    rng, first, end = random.Random(seed), times[0][1], times[-1][1]
    strikes = []
    for number in range(count):
        moment = first + (end - first) * (number + rng.random()) / count
        stage, began = max((one for one in times[:-1] if one[1] <= moment), key=lambda one: one[1])
        strikes.append(Strike(stage, moment - began, *BLOWS[number % len(BLOWS)]))
    return strikes


class Toll:
    """What is counted over all strikes."""

    def __init__(self) -> None:
        self.struck: list[tuple[str, str]] = []  # stage that was running, blow
        self.refused: list[str] = []  # a run that ended by itself, and not well
        self.half_written: list[str] = []
        self.restarts = 0


@pytest.fixture(scope="module")
def interrupted(undisturbed, tmp_path_factory):
    """(project, toll) after all strikes and a last run to the end."""
    project, toll = new_project(tmp_path_factory.mktemp("interrupted") / "project"), Toll()
    sessions = []
    try:
        waiting = drawn_strikes(undisturbed.times, STRIKES, SEED)
        while waiting and not toll.refused:
            sessions.append(Reproduction(project))
            running = sessions[-1].struck(waiting[0], undisturbed.order)
            if running is not None:
                toll.struck.append((running, f"{waiting[0].blow.name} to {waiting[0].whom}"))
                toll.half_written += unlike(contents(project.folder), undisturbed.contents)
                waiting.pop(0)
            elif sessions[-1].process.returncode:
                toll.refused.append(sessions[-1].tail())
            else:  # the machine is faster than before, and the pipeline's end came first: once more from the start
                toll.restarts += 1
                waiting = [replace(strike, after=strike.after / 2) for strike in waiting]
                for folder in ("outputs", "reports", ".dvc/cache"):
                    shutil.rmtree(project.folder / folder)
                (project.folder / "dvc.lock").unlink()
        sessions.append(Reproduction(project))
        sessions[-1].process.wait()
        if sessions[-1].process.returncode:
            toll.refused.append(sessions[-1].tail())
    finally:
        for session in sessions:
            session.end()
    return project, toll


def test_going_on_after_every_kill(interrupted, record):
    """`dvc repro` of the smoke profile killed at random moments (SIGKILL, SIGTERM, Ctrl-C), and started again at once."""
    _, toll = interrupted
    blows = Counter(blow for _, blow in toll.struck)
    stages = len({stage.partition("@")[0] for stage, _ in toll.struck})
    lost = len(toll.refused) + len(toll.half_written)
    record(
        len(toll.struck),
        lost,
        stages_hit=stages,
        new_starts=toll.restarts,
        **{blow.replace(" ", "_"): n for blow, n in blows.items()},
    )
    assert not toll.refused, toll.refused[0]
    assert not toll.half_written, f"under their final names, but not whole: {toll.half_written}"
    assert len(toll.struck) == STRIKES and stages >= min(5, STRIKES)  # else the moments were not spread


def test_results_are_those_of_an_uninterrupted_run(interrupted, undisturbed, record):
    """Weights, metrics, tables and figures after the kills, compared file by file with an uninterrupted run."""
    found, expected = contents(interrupted[0].folder), undisturbed.contents
    different = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    weights = sum(name.endswith(".safetensors") for name in expected)
    record(len(expected), len(different), of_these_files_of_weights=weights)
    assert weights > 10 and "reports/smoke/metrics.json" in expected
    assert not different


def test_nothing_is_left_that_needs_a_hand(interrupted, record):
    """Temporary files, checkpoints, DVC's locks and cache, and the MLflow store after the kills."""
    project = interrupted[0]
    left = [str(path) for ending in ("partial", "former") for path in project.folder.rglob(f".*.{ending}")]
    left += [str(path) for path in (project.folder / "outputs" / ".checkpoints").glob("*")]
    left += torn_cache_objects(project.folder)
    again = Reproduction(project)
    again.process.wait()
    ran, status = again.announced(), again.process.returncode
    compared = project.python("sweettok.cli", "compare")
    record(5, len(left) + (ran != ["list_sources"]) + bool(status) + bool(compared.returncode))
    assert not left and ran == ["list_sources"] and status == 0, again.tail()  # which always runs
    assert compared.returncode == 0, compared.stderr[-2000:]


DAMAGED = ("outputs/data/train/clips.npy", "outputs/codebook/codebook.json", "outputs/joint/model.safetensors")


def test_damaged_outputs_are_made_anew(interrupted, undisturbed, record):
    """A flipped bit in outputs of a finished run, then `dvc repro`."""
    project, expected = interrupted[0], undisturbed.contents
    for name in DAMAGED:
        content = bytearray((project.folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (project.folder / name).write_bytes(content)
    project.run("repro")
    wrong = [name for name, digest in contents(project.folder).items() if expected.get(name) != digest]
    record(len(DAMAGED), len(wrong))
    assert not wrong


@pytest.mark.parametrize(
    ("name", "share"), [(".dvc/tmp/rwlock", 0.0), ("dvc.lock", 0.0), ("dvc.lock", 0.3), ("dvc.lock", 0.7)]
)
def test_a_kill_while_dvc_writes_its_own_files(interrupted, undisturbed, record, name, share):
    """DVC's file cut off at a share of its length, as a kill in the middle of DVC's writing leaves it.

    DVC refuses its own files where they are empty, by name; without them it goes on. `make repro` takes them away.
    """
    project, expected = interrupted[0], undisturbed.contents
    path = project.folder / name
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    result = project.python("dvc", "repro")
    refused = bool(result.returncode)
    if refused:
        assert share == 0 and name in result.stdout + result.stderr
        shutil.copy(ROOT / "Makefile", project.folder)
        subprocess.run(["make", "--old-file=install", "repro"], cwd=project.folder, env=project.environment, check=True)
    different = [name for name, digest in contents(project.folder).items() if expected.get(name) != digest]
    record(1, len(different), refused_by_dvc=refused)
    assert not different
