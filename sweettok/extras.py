"""Optional packages, by the extras of pyproject.toml: `pip install .` brings what a model needs, `'.[repro]'` all else."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING

from sweettok.errors import InputError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

ORDER = ("metrics", "repro", "ocr", "ray")  # the first extra that has a package is named
OTHER_NAMES = {"sklearn": "scikit-learn", "yaml": "pyyaml", "markdown_it": "markdown-it-py"}


def requirements(*extras: str) -> "list[Requirement]":
    """What the installed project asks for, and what these extras add. Raises PackageNotFoundError where it is not installed."""
    from packaging.requirements import Requirement

    declared = [Requirement(line) for line in metadata.requires("sweettok") or ()]
    return [
        one
        for one in declared
        if one.name != "sweettok"  # an extra that takes in another one
        and (one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)))
    ]


@contextmanager
def naming_missing_packages() -> Iterator[None]:
    """In the block, an import of a package that only an extra brings raises InputError with the command that installs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        package = OTHER_NAMES.get(module, module.replace("_", "-"))
        extra = _extra_with(package)
        if extra is None:
            raise
        raise InputError(
            f"this needs {package}, which is not installed; in the project's root: pip install '.[{extra}]'"
        ) from error


def _extra_with(package: str) -> str | None:
    try:
        core = {one.name for one in requirements()}
        return next((extra for extra in ORDER if package in {one.name for one in requirements(extra)} - core), None)
    except metadata.PackageNotFoundError:  # run from its folder, without having been installed
        return None
