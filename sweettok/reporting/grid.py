"""A table as readers see it: named columns and lines of text, the same for Markdown, LaTeX and the web page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """text: as shown; value: what sorting goes by, None where the text is no number; strong: it must not be missed."""

    text: str
    value: float | int | None = None
    strong: bool = False


@dataclass(frozen=True)
class Column:
    """name; kind: "published", "ours" or nothing; numeric: set flush right."""

    name: str
    kind: str = ""
    numeric: bool = False

    @property
    def title(self) -> str:
        """E.g. "ours: PSNR (dB)"."""
        return f"{self.kind}: {self.name}" if self.kind else self.name


@dataclass(frozen=True)
class Grid:
    """Every line has one cell a column; the first column names the lines."""

    columns: tuple[Column, ...]
    lines: tuple[tuple[Cell, ...], ...]

    def to_markdown(self) -> str:
        """A header, a line of dashes, the lines; no newline at the end."""
        header = [column.title for column in self.columns]
        dashes = ["--:" if column.numeric else "---" for column in self.columns]
        lines = [[_markdown(cell) for cell in line] for line in self.lines]
        return "\n".join(f"| {' | '.join(line)} |" for line in [list(map(_escaped, header)), dashes, *lines])


def _markdown(cell: Cell) -> str:
    return f"**{_escaped(cell.text)}**" if cell.strong else _escaped(cell.text)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
