"""A table with three kinds of columns kept apart (published, ours, protocol), as CSV, as a grid and as Markdown."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Any

from sweettok.reporting.grid import Cell, Column, Grid

NOTHING = "-"


@dataclass(frozen=True)
class Number:
    """A value with its 95 % interval or its standard deviation over seeds, and a remark that must stand beside it."""

    value: float | int | None
    interval: tuple[float, float] | None = None
    std: float | None = None
    remark: str = ""
    as_printed: bool = False  # all digits of `value` and no more: published numbers

    @classmethod
    def of(cls, record: Mapping[str, Any] | None) -> "Number":
        """From a metric record; None gives an empty cell."""
        if record is None:
            return cls(None)
        return cls(record["value"], tuple(record["interval"]) if record["interval"] else None)

    def text(self) -> str:
        """E.g. "23.41 [23.10, 23.72]", "23.41 ± 0.12", "1,280"; four significant digits."""
        if self.value is None:
            return self.remark or NOTHING
        if isinstance(self.value, int):
            shown = f"{self.value:,}"
        elif self.as_printed:
            shown = f"{self.value:g}"
        else:
            decimals = decimals_of(self.value, *(self.interval or ()))
            shown = f"{self.value:.{decimals}f}"
            if self.interval:
                shown += f" [{self.interval[0]:.{decimals}f}, {self.interval[1]:.{decimals}f}]"
            elif self.std is not None:
                shown += f" ± {self.std:.{decimals}f}"
        return f"{shown} ({self.remark})" if self.remark else shown


def decimals_of(*values: float) -> int:
    """Decimal places that show the largest of `values` with four significant digits (at most 5 places)."""
    largest = max(abs(value) for value in values)
    return 3 if largest == 0 else min(5, max(0, 3 - math.floor(math.log10(largest))))


@dataclass(frozen=True)
class Row:
    """One method. `protocol` maps a description of how numbers were made to the columns it holds for."""

    name: str
    published: Mapping[str, Number | str] = field(default_factory=dict)
    ours: Mapping[str, Number | str] = field(default_factory=dict)
    protocol: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True)
class Table:
    """identity: file name, e.g. "T1". The columns of a kind appear in the order given; rows may lack any of them."""

    identity: str
    title: str
    published_columns: tuple[str, ...]
    our_columns: tuple[str, ...]
    rows: tuple[Row, ...]
    setting: str
    notes: tuple[str, ...] = ()


def to_csv(table: Table) -> str:
    """Full precision; an interval becomes two more columns, a standard deviation one. One header line."""
    columns = [("published", name) for name in table.published_columns] + [("ours", name) for name in table.our_columns]
    lines = [{"row": row.name} | _csv_cells(row, columns) for row in table.rows]
    header = list(dict.fromkeys(key for kind, name in columns for key in _csv_keys(lines, f"{kind}: {name}")))
    text = io.StringIO()
    writer = csv.DictWriter(text, ["row", *header, "ours: data", "protocol", "remark"], lineterminator="\n")
    writer.writeheader()
    for row, line in zip(table.rows, lines, strict=True):
        made = "; ".join(f"{', '.join(names)}: {how}" for how, names in row.protocol.items())
        ours = table.setting if row.ours else ""
        writer.writerow({**line, "ours: data": ours, "protocol": made, "remark": row.remark})
    return text.getvalue()


def _csv_keys(lines: Iterable[Mapping[str, Any]], column: str) -> list[str]:
    """A column and those of its companions (interval, spread, remark) that some row fills."""
    candidates = [column, *(f"{column} {part}" for part in ("low", "high", "std", "remark"))]
    return [column] + [key for key in candidates[1:] if any(key in line for line in lines)]


def _csv_cells(row: Row, columns: Iterable[tuple[str, str]]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for kind, name in columns:
        cell = (row.published if kind == "published" else row.ours).get(name, Number(None))
        column = f"{kind}: {name}"
        if isinstance(cell, str):
            cells[column] = cell
            continue
        cells[column] = "" if cell.value is None else cell.value
        if cell.interval:
            cells[f"{column} low"], cells[f"{column} high"] = cell.interval
        if cell.std is not None:
            cells[f"{column} std"] = cell.std
        if cell.remark:
            cells[f"{column} remark"] = cell.remark
    return cells


def to_grid(table: Table) -> Grid:
    """As readers see it: row, published, ours, and letters for the protocol, which `footnotes` explains."""
    columns = [Column(name, "published", numeric=not name.endswith("source")) for name in table.published_columns]
    columns += [Column(name, "ours", numeric=not name.endswith("source")) for name in table.our_columns]
    letters = _letters(table)
    lines = []
    for row in table.rows:
        name = f"{row.name} ({row.remark})" if row.remark else row.name
        cells = [row.published.get(column, NOTHING) for column in table.published_columns]
        cells += [row.ours.get(column, NOTHING) for column in table.our_columns]
        marks = " ".join(f"[{letters[_made(row, how)]}]" for how in row.protocol) or NOTHING
        lines.append((Cell(name), *map(_shown, cells), Cell(marks)))
    return Grid((Column(""), *columns, Column("protocol")), tuple(lines))


def footnotes(table: Table) -> dict[str, str]:
    """Letter -> "columns: how they were made", for the letters of the protocol column."""
    return {letter: made for made, letter in _letters(table).items()}


def to_markdown(table: Table) -> str:
    """A heading, the table, what the letters in its protocol column mean, and the notes."""
    text = [f"### {table.identity}: {table.title}", "", to_grid(table).to_markdown(), ""]
    text += [f"Ours: {table.setting}.", ""]
    text += [f"- [{letter}] {made}" for letter, made in footnotes(table).items()]
    text += [f"- {note}" for note in table.notes]
    return "\n".join(text).rstrip() + "\n"


def _shown(cell: Number | str) -> Cell:
    return Cell(cell) if isinstance(cell, str) else Cell(cell.text(), cell.value)


def _made(row: Row, how: str) -> str:
    return f"{', '.join(row.protocol[how])}: {how}"


def _letters(table: Table) -> dict[str, str]:
    """ "metrics: protocol" -> "a", "b", ... in order of appearance; many rows share one."""
    texts = dict.fromkeys(_made(row, how) for row in table.rows for how in row.protocol)
    return {text: _letter(position) for position, text in enumerate(texts)}


def _letter(position: int) -> str:
    """a ... z, aa, ab, ..."""
    round_, place = divmod(position, len(ascii_lowercase))
    return (ascii_lowercase[round_ - 1] if round_ else "") + ascii_lowercase[place]
