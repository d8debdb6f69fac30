"""axe-core, which finds faults of accessibility: its file from npm, kept in a cache."""

import shutil
import subprocess
import tarfile
from pathlib import Path

VERSION = "4.10.3"


def axe_core(cache: Path) -> str | None:
    """The script as text; None where npm is absent or cannot reach its registry."""
    archive = cache / f"axe-core-{VERSION}.tgz"
    npm = shutil.which("npm")
    if not archive.is_file():
        if npm is None:
            return None
        cache.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", f"axe-core@{VERSION}", "--silent", "--pack-destination", str(cache)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=120)
        except (subprocess.SubprocessError, OSError):
            return None
    with tarfile.open(archive) as packed:
        file = packed.extractfile("package/axe.min.js")
        return file.read().decode("utf-8") if file else None
