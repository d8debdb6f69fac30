"""What `make docs` adds to the pages: the README as the first one, the commands' help, the notebook, files that pages link to.

Links that leave docs/ work on GitHub and in an editor. Here the files they name are copied into the site, so that it is whole
without a network.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from sweettok.cli import build_parser

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s]+)(?=\))")
AS_THEY_ARE = {".png", ".gif", ".svg", ".html"}
COPIES = "project"
NOTEBOOK = "docs/tutorial/first-steps.ipynb"
REPORT = {"reports/README.md": "reports/index.html"}  # the same tables, to be read in a browser


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and the copies."""
    files.append(File.generated(config, "index.md", content=(ROOT / "README.md").read_text(encoding="utf-8")))
    files.append(File.generated(config, "reference/commands.md", content=commands()))
    files.append(File.generated(config, "tutorial/notebook.md", content=notebook()))
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for name in sorted({target for page in pages for target in _outside(page)}):
        files.append(File.generated(config, _copy(name), abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Point links at what is in the site."""
    source = Path("README.md") if page.file.src_uri == "index.md" else Path("docs", page.file.src_uri)
    up = "../" * page.file.src_uri.count("/")

    def moved(found: re.Match[str]) -> str:
        path, _, anchor = found[1].partition("#")
        name = _name(source.parent, path)
        if not path or name is None or not (ROOT / name).exists():  # mkdocs says that it leads nowhere
            return found[1]
        if name == "README.md":
            return f"{up}index.md" + (f"#{anchor}" if anchor else "")
        if name.startswith("docs/"):
            return up + found[1].replace(path, name.removeprefix("docs/"))
        return up + _copy(name) if (ROOT / name).is_file() else f"{up}index.md"

    return LINK.sub(moved, markdown)


def commands() -> str:
    """A page with the help of every subcommand."""
    (chosen,) = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    parts = [f"## {name}\n\n```text\n{parser.format_help()}```\n" for name, parser in chosen.choices.items()]
    return "# Commands\n\nWhat `sweettok COMMAND --help` prints.\n\n" + "\n".join(parts)


def notebook() -> str:
    """The notebook as a page."""
    cells = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    texts = [(cell["cell_type"] == "code", "".join(cell["source"])) for cell in cells]
    parts = [f"```python\n{text}\n```" if is_code else text for is_code, text in texts]
    return "\n\n".join([*parts, f"This page is a [notebook]({Path(NOTEBOOK).name}).\n"])


def _outside(page: Path) -> list[str]:
    """The files outside docs/ that a page links to, from the project's root."""
    names = (
        _name(page.parent.relative_to(ROOT), link.partition("#")[0]) for link in LINK.findall(page.read_text("utf-8"))
    )
    return [
        name
        for name in names
        if name and name != "README.md" and not name.startswith("docs/") and (ROOT / name).is_file()
    ]


def _name(folder: Path, path: str) -> str | None:
    """A link's file or folder from the project's root; None: it leaves the project."""
    target = (ROOT / folder / path).resolve()
    name = target.relative_to(ROOT).as_posix() if target.is_relative_to(ROOT) else None
    return REPORT.get(name, name) if name else None


def _copy(name: str) -> str:
    """Where the site has a file: text with an ending that browsers show."""
    return f"{COPIES}/{name}" if Path(name).suffix in AS_THEY_ARE else f"{COPIES}/{name}.txt"
