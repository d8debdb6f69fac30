"""A scratch copy of the project, in which stages run as users run them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from sweettok.params import resolved_yaml

ROOT = Path(__file__).parents[1]
COPIED = ("sweettok", "stages", "profiles", ".dvc/config", ".dvcignore", "dvc.yaml", "pyproject.toml")


class Project:
    """A scratch copy of the project with the smoke profile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = [folder]  # where Python looks for modules
        for name in COPIED:
            source, target = ROOT / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        self.reset_params()

    @property
    def environment(self) -> dict[str, str]:
        """In which `python` is this interpreter and `sweettok` the copy's."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(map(str, self.path))}

    def python(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run `python -m ...` in the copy."""
        return subprocess.run(
            [sys.executable, "-m", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )

    def run(self, *arguments: str, ok: bool = True) -> str:
        """Run DVC, which must succeed (or fail), and return what it prints."""
        result = self.python("dvc", *arguments)
        output = result.stdout + result.stderr
        assert (result.returncode == 0) == ok, output[-3000:]
        return output

    def reset_params(self) -> None:
        """Make params.yaml the smoke profile."""
        (self.folder / "params.yaml").write_text(resolved_yaml(self.folder / "profiles" / "smoke.yaml"))

    def edit(self, change) -> None:
        """Change params.yaml: `change` gets its content and edits it in place."""
        path = self.folder / "params.yaml"
        params = yaml.safe_load(path.read_text())
        change(params)
        path.write_text(yaml.safe_dump(params, sort_keys=False))
