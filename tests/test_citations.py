"""Citations of the paper page and the design page, by heading or by row (C11), lead somewhere; no file names one outside."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("paper", "design")


def tracked_lines(expression):
    """The lines of git's files that match an extended regular expression, as `path:number:line`."""
    command = ["git", "grep", "--untracked", "-nIE", expression]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode in (0, 1), found.stderr  # 1: no line matches
    return found.stdout.splitlines()


def dead_citations(line):
    """The citations of a line that name no heading and no row. One may name several: `docs/paper.md, C3, C5`."""
    dead = []
    for page in PAGES:
        text = (ROOT / "docs" / f"{page}.md").read_text()
        targets = re.findall(r"^##+ (.+)$", text, re.M) + re.findall(r'<a id="\w+"></a>(\w+)', text)
        one = rf", (?:{'|'.join(map(re.escape, targets))})\b"
        dead += re.findall(rf"(?<!\]\()docs/{page}\.md(?!(?:{one})+(?!, C\d)).*", line)
    return dead


def test_every_citation_leads_to_a_heading_or_a_row():
    lines = [line.split(":", 2) for line in tracked_lines(rf"docs/({'|'.join(PAGES)})\.md")]
    assert len(lines) > 30
    assert not [(path, number, text) for path, number, text in lines if dead_citations(text)]


@pytest.mark.parametrize("target", [", C12", ", C1100", ", C11, C12", ", Methods", " C11", ""])
@pytest.mark.parametrize("page", PAGES)
def test_a_dead_citation_is_noticed(page, target):
    assert dead_citations(f"(docs/{page}.md{target})")


def test_row_ids_are_link_targets_and_unique():
    rows = re.findall(r'^\| <a id="(\w+)"></a>(\w+) \|', (ROOT / "docs" / "paper.md").read_text(), re.M)
    assert rows and len(set(rows)) == len(rows)
    assert all(target == shown.lower() for target, shown in rows)


def test_no_file_names_notes_that_lie_elsewhere():
    assert not tracked_lines(r"\b(PAPER|DESIGN|ENVIRONMENT)\.md\b")


def outside(path, line):
    """What a line of git's file `path` names outside the repository. Tests may hand such names to the code, but not read them."""
    notebook = path.endswith(".ipynb")  # runs in its own folder; all else runs in the repository's
    links = re.findall(r"(?:\]\(|\\\")(\.\./[^)#\s\\]*)" if notebook else r"\]\((\.\./[^)#\s]*)", line)
    found = [link for link in links if not (ROOT / path).parent.joinpath(link).resolve().is_relative_to(ROOT)]
    if not path.startswith("tests/") and not notebook:
        found += re.findall(r"(?<![.\w/(])\.\./[\w.][\w./-]*", line)
    above = re.findall(r"__file__\)(?:\.resolve\(\))?\.parents\[(\d)\]", line)
    found += [f"parents[{n}]" for n in above if int(n) >= len(Path(path).parts)]
    return found + re.findall(r"/work/[\w/]*|\bROOT\.parent\b|\bROOT / \"\.\.\"", line)


def test_no_file_names_one_outside_the_repository():
    lines = [line.split(":", 2) for line in tracked_lines(r"\.\./|\.parents?\b|/work/|\"\.\.\"")]
    assert len(lines) > 30
    this = str(Path(__file__).relative_to(ROOT))
    assert not [
        (path, number, found) for path, number, text in lines if path != this and (found := outside(path, text))
    ]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("profiles/a.yaml", "  root: ../sets/a"),
        ("docs/a.md", "lie in `../sets` unless"),
        ("docs/how-to/a.ipynb", r'    "open(\"../../../sets\")",'),
        ("docs/a.md", "[sets](../../sets/README.md)"),
        ("tests/a/test_b.py", 'DATA = Path(__file__).resolve().parents[3] / "sets"'),
        ("tests/a/test_b.py", 'DATA = ROOT.parent / "sets"'),
        ("tests/a/test_b.py", 'DATA = Path("/work/sets")'),
    ],
)
def test_a_name_outside_the_repository_is_noticed(path, line):
    assert len(outside(path, line)) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("docs/a.md", "[profile](../profiles/a.yaml), `.../judge`"),
        ("tests/a/test_b.py", "ROOT = Path(__file__).parents[2]"),
        ("tests/a/test_b.py", 'refuses("../secret")'),
    ],
)
def test_a_name_inside_the_repository_is_none_outside(path, line):
    assert not outside(path, line)
