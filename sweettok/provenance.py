"""Which code on which machine, by which process: what a run's tags say about where its numbers come from."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def code_and_machine(root: Path) -> dict[str, str]:
    """Git commit ("none" outside a repository), whether it has uncommitted changes, and what the stage runs on."""
    commit = _git(root, "rev-parse", "HEAD") or "none"
    try:
        torch_version = version("torch")
    except PackageNotFoundError:
        torch_version = "not installed"
    return {
        "git_commit": commit,
        "git_dirty": str(bool(_git(root, "status", "--porcelain"))).lower(),
        "machine.cores": str(os.cpu_count()),
        "machine.cpu": cpu_name(),
        "machine.torch": torch_version,
        "machine.python": ".".join(str(part) for part in sys.version_info[:3]),
    }


def _git(root: Path, *arguments: str) -> str:
    """Output of a git command, empty where git or the repository is missing."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Such as "AMD EPYC (family 25, model 17)": clouds hide which EPYC it is, and generations round differently."""
    try:
        first = cpuinfo.read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        first = ""
    facts = dict(line.split(":", 1) for line in first.splitlines() if ":" in line)
    found = {name.strip(): value.strip() for name, value in facts.items()}
    name = found.get("model name") or platform.processor() or platform.machine()
    numbers = [f"{key.removeprefix('cpu ')} {found[key]}" for key in ("cpu family", "model") if found.get(key)]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def process_key(process: Any) -> str:
    """Of a psutil.Process. Process ids are reused; with the start time they are not."""
    return f"{process.pid}-{process.create_time():.2f}"


def this_process() -> str:
    """This process and its machine, for `has_gone`."""
    import psutil

    return f"{platform.node()} {process_key(psutil.Process())}"


def has_gone(process: str) -> bool:
    """Whether what `this_process` named is a process of this machine that has ended."""
    import psutil

    node, _, key = process.rpartition(" ")
    try:
        return node == platform.node() and process_key(psutil.Process(int(key.partition("-")[0]))) != key
    except psutil.NoSuchProcess:
        return True
