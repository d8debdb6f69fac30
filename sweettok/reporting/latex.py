r"""Tables as LaTeX with booktabs rules, to be \input by a paper."""

import re
from collections.abc import Iterable
from itertools import groupby

from sweettok.reporting.grid import Cell, Column
from sweettok.reporting.table import Table, footnotes, to_grid

PREAMBLE = r"% needs \usepackage{booktabs} and \usepackage{graphicx}"
_SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "[": "{[}",  # a line that starts with a bracket would be the length that \\ may take
        "]": "{]}",
        "±": r"$\pm$",
    }
)


def to_latex(table: Table) -> str:
    """A table environment: caption, label tab:<identity>, "published" and "ours" above their columns, notes below."""
    grid = to_grid(table)
    flush = "".join("r" if column.numeric else "l" for column in grid.columns)
    kinds, rules = _kinds(grid.columns)
    notes = [
        f"Ours: {table.setting}.",
        *(f"[{letter}] {made}" for letter, made in footnotes(table).items()),
        *table.notes,
    ]
    return "\n".join(
        [
            PREAMBLE,
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escaped(table.title)}}}",
            rf"\label{{tab:{table.identity}}}",
            r"\resizebox{\linewidth}{!}{%",
            rf"\begin{{tabular}}{{{flush}}}",
            r"\toprule",
            *([f"{kinds} \\\\", rules] if rules else []),
            _line(escaped(column.name) for column in grid.columns),
            r"\midrule",
            *(_line(map(_cell, line)) for line in grid.lines),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\par\smallskip",
            r"\begin{minipage}{\linewidth}\footnotesize\raggedright",
            *(rf"{_note(note)}\par" for note in notes),
            r"\end{minipage}",
            r"\end{table}",
            "",
        ]
    )


def escaped(text: str) -> str:
    r"""Text that LaTeX prints as it is, e.g. "50 %_a" -> r"50 \%\_a"."""
    return text.translate(_SPECIAL)


def _line(cells: Iterable[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    return text if cell.value is None else re.sub(r"-(?=\d)", "$-$", text)  # a minus, not a hyphen


def _note(note: str) -> str:
    """Escaped; what stands between backticks is set in typewriter letters."""
    pieces = note.split("`")
    if len(pieces) % 2 == 0:  # an odd backtick
        return escaped(note)
    return "".join(
        rf"\texttt{{{escaped(piece)}}}" if place % 2 else escaped(piece) for place, piece in enumerate(pieces)
    )


def _kinds(columns: tuple[Column, ...]) -> tuple[str, str]:
    """The line that names neighbouring columns of a kind together, and the rules below it; ("", "") without kinds."""
    cells, rules, place = [], [], 0
    for kind, neighbours in groupby(columns, key=lambda column: column.kind):
        width = len(list(neighbours))
        if kind:
            cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escaped(kind)}}}")
            rules.append(rf"\cmidrule(lr){{{place + 1}-{place + width}}}")
        else:
            cells += [""] * width
        place += width
    return " & ".join(cells), "".join(rules)
