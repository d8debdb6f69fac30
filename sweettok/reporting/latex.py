r"""Tables as LaTeX with booktabs rules, to be \input by a paper."""

import re
from itertools import groupby

from sweettok.reporting.table import Block, Entry, Table

TEMPLATE = r"""% needs \usepackage{booktabs} and \usepackage{graphicx}
\begin{table}
\centering
\caption{CAPTION}
\label{tab:IDENTITY}
\resizebox{\linewidth}{!}{%
\begin{tabular}{ALIGNMENT}
\toprule
HEAD
\midrule
BODY
\bottomrule
\end{tabular}}
\par\smallskip
\begin{minipage}{\linewidth}\footnotesize\raggedright
NOTES
\end{minipage}
\end{table}
"""
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
    parts = {
        "CAPTION": escaped(table.title),
        "IDENTITY": table.identity,
        "ALIGNMENT": "".join("r" if column.numeric else "l" for column in table.shown_columns),
        "HEAD": f"{_kinds(table)}{_line([escaped(column.name) for column in table.shown_columns])}",
        "BODY": "\n".join(line for block in table.blocks for line in _block(block, len(table.shown_columns))),
        "NOTES": "\n".join(rf"{_note(note)}\par" for note in table.explanations),
    }
    return re.sub("|".join(parts), lambda found: parts[found[0]], TEMPLATE)


def escaped(text: str) -> str:
    r"""Text that LaTeX prints as it is, e.g. "50 %_a" -> r"50 \%\_a"."""
    return text.translate(_SPECIAL)


def _line(entries: list[str]) -> str:
    return f"{' & '.join(entries)} \\\\"


def _block(block: Block, columns: int) -> list[str]:
    """Its title across all columns, with what is said where it has no lines, then its lines."""
    title = rf"\textbf{{{escaped(block.title)}}}" + (f": {_note(block.said)}" if block.said else "")
    heading = [r"\addlinespace", rf"\multicolumn{{{columns}}}{{@{{}}p{{\linewidth}}}}{{{title}}} \\"]
    return [*(heading if block.title else []), *(_line([_entry(entry) for entry in line]) for line in block.lines)]


def _entry(entry: Entry) -> str:
    text = escaped(entry.text)
    return text if entry.value is None else re.sub(r"-(?=\d)", "$-$", text)  # a minus, not a hyphen


def _note(note: str) -> str:
    """Escaped; what stands between backticks is set in typewriter letters."""
    return re.sub(r"`([^`]*)`", r"\\texttt{\1}", note.translate(_SPECIAL))


def _kinds(table: Table) -> str:
    """The line that names neighbouring columns of a kind together, and the rules below it; empty without kinds."""
    entries, rules, place = [], "", 1
    for kind, neighbours in groupby(table.shown_columns, key=lambda column: column.kind):
        width = len(list(neighbours))
        entries += [rf"\multicolumn{{{width}}}{{c}}{{{kind}}}"] if kind else [""] * width
        rules += rf"\cmidrule(lr){{{place}-{place + width - 1}}}" if kind else ""
        place += width
    return f"{_line(entries)}\n{rules}\n" if rules else ""
