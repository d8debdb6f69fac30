"""The drawing of the package (docs/design.md, Rooms): every folder is in it, and imports go the way of its arrows."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sweettok"
FOLDERS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def arrows() -> set[tuple[str, str]]:
    """(room, room that it imports) of the drawing."""
    section = (ROOT / "docs" / "design.md").read_text(encoding="utf-8").partition("\n## Rooms\n")[2]
    lines = section.partition("```mermaid\n")[2].partition("```")[0].splitlines()
    drawn = [line.split("-->") for line in lines if "-->" in line]
    return {(a, b) for left, right in drawn for a in re.findall(r"\w+", left) for b in re.findall(r"\w+", right)}


def reachable(room: str) -> set[str]:
    """The rooms below one, directly or by way of others."""
    below = {b for a, b in arrows() if a == room}
    return below.union(*(reachable(one) for one in below))


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules of this repository that run with a file; what types alone need does not count."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)
        yield from imported(node)


def room_of(module: str) -> str | None:
    """The folder of `sweettok` that a module lies in, or `stages`."""
    first, *rest = module.split(".")
    return "stages" if first == "stages" else rest[0] if first == "sweettok" and rest and rest[0] in FOLDERS else None


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / "stages" if room == "stages" else PACKAGE / room).rglob("*.py"))


def imports(files: list[Path]) -> set[tuple[str, str]]:
    """(file, room) of all imports of rooms."""
    found = set()
    for file in files:
        modules = imported(ast.parse(file.read_text(encoding="utf-8")))
        found |= {(file.relative_to(ROOT).as_posix(), room) for module in modules if (room := room_of(module))}
    return found


def test_every_folder_is_in_the_drawing_and_nothing_else():
    assert {room for arrow in arrows() for room in arrow} == {*FOLDERS, "stages"}


def test_there_are_no_circles():
    below: dict[str, set[str]] = {}
    for room, other in arrows():
        below.setdefault(room, set()).add(other)
    TopologicalSorter(below).prepare()  # raises CycleError


@pytest.mark.parametrize("room", [*FOLDERS, "stages"])
def test_imports_go_the_way_of_the_arrows(room):
    allowed = reachable(room) | {room}
    assert not {(file, other) for file, other in imports(files_of(room)) if other not in allowed}


@pytest.mark.parametrize(("room", "other"), sorted(arrows()))
def test_every_arrow_stands_for_an_import(room, other):
    assert other in {found for _, found in imports(files_of(room))}


def test_modules_at_the_top_know_only_params():
    """cli.py and doctor.py belong to `commands`."""
    serving = [path for path in PACKAGE.glob("*.py") if path.name not in ("cli.py", "doctor.py")]
    assert {room for _, room in imports(serving)} == {"params"}
