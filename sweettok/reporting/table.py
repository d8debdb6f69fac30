"""One kind of table for all that the report shows, and its text as CSV, Markdown and entries for LaTeX and the web page."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count, product
from string import ascii_lowercase
from typing import Any, NamedTuple

import pandas

from sweettok.metrics.record import caveat
from sweettok.metrics.statistics import mean_and_std
from sweettok.reporting.protocol import describe

NOTHING = "-"
PUBLISHED, CHECKPOINT, TRAINED = "published", "run from a checkpoint", "trained here under equal conditions"  # blocks


@dataclass(frozen=True)
class Number:
    """A value with its 95 % interval or its standard deviation over seeds.

    remark      what must stand beside it
    as_printed  all digits of `value` and no more: published numbers
    protocol    how it was measured, which becomes a footnote
    """

    value: float | int | None
    interval: tuple[float, float] | None = None
    std: float | None = None
    remark: str = ""
    as_printed: bool = False
    protocol: str = ""

    @classmethod
    def of(cls, record: Mapping[str, Any] | None) -> "Number":
        """From a metric record; None gives an empty entry."""
        if record is None:
            return cls(None)
        interval = tuple(record["interval"]) if record["interval"] else None
        return cls(record["value"], interval, remark=caveat(record), protocol=describe(record))

    @classmethod
    def over_seeds(cls, records: Iterable[Mapping[str, Any]]) -> "Number":
        """Mean and sample standard deviation of records that differ in nothing but the seed."""
        records = list(records)
        mean, std = mean_and_std([record["value"] for record in records])
        return cls(mean, std=std, remark=caveat(records[0]), protocol=describe({**records[0], "seed": None}))

    def with_remark(self, remark: str) -> "Number":
        """The same with one more remark, where there is one."""
        return replace(self, remark="; ".join(filter(None, (self.remark, remark))))

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
class Entry:
    """text: as shown; value: what sorting goes by, None where the text is no number; strong: it must not be missed;
    protocol: how it was measured."""

    text: str
    value: float | int | None = None
    strong: bool = False
    protocol: str = ""

    @classmethod
    def of(cls, content: "Content") -> "Entry":
        """What a row holds, as shown."""
        if isinstance(content, Number):
            return cls(content.text(), content.value, protocol=content.protocol)
        return content if isinstance(content, Entry) else cls(content)


Content = Number | Entry | str


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
class Row:
    """A name, and what stands in each column of ours and of the published ones; it may lack any of them.

    block: where its numbers come from. data: what ours were measured on, where that is not the table's setting.
    """

    name: str
    ours: Mapping[str, Content] = field(default_factory=dict)
    published: Mapping[str, Content] = field(default_factory=dict)
    remark: str = ""
    block: str = ""
    data: str = ""

    @property
    def protocol(self) -> list[str]:
        """How the numbers were measured: "PSNR (dB), SSIM: n = 256, split test, ..."."""
        columns: dict[str, list[str]] = {}
        for name, content in (*self.published.items(), *self.ours.items()):
            if isinstance(content, Number) and content.protocol:
                columns.setdefault(content.protocol, []).append(name)
        return [f"{', '.join(names)}: {how}" for how, names in columns.items()]


class Block(NamedTuple):
    """Lines under a title, "" for none. said: what stands there instead where there are no lines."""

    title: str
    said: str
    lines: list[list[Entry]]


@dataclass(frozen=True)
class Table:
    """identity: file name, e.g. "T1".

    setting  what our numbers were measured on. Empty: a list of facts, with neither published columns nor protocols.
    first    our columns that come first; the others follow as rows have them. head: the title over the rows' names.
    said     title of each block, in order -> what stands there without rows. Empty: the table has no blocks.
    """

    identity: str
    title: str
    rows: tuple[Row, ...]
    setting: str = ""
    notes: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    head: str = ""
    said: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All but those of the rows' names and protocols."""
        published = dict.fromkeys(name for row in self.rows for name in row.published)
        ours = dict.fromkeys([*self.first, *(name for row in self.rows for name in row.ours)])
        kinds = ("published", "ours") if self.setting else ("", "")
        named = [(kinds[0], name) for name in published] + [(kinds[1], name) for name in ours]
        return tuple(Column(name, kind, self._is_numeric(name, kind)) for kind, name in named)

    def _is_numeric(self, name: str, kind: str) -> bool:
        contents = [(row.published if kind == "published" else row.ours).get(name) for row in self.rows]
        return bool(self.rows) and not any(isinstance(content, str | Entry) for content in contents)

    @cached_property
    def shown_columns(self) -> tuple[Column, ...]:
        """As readers see them."""
        return (Column(self.head), *self.columns, *([Column("protocol")] if self.setting else []))

    @cached_property
    def lines(self) -> list[list[Entry]]:
        """As readers see them, an entry for each of `shown_columns`."""
        letters = {note: letter for letter, note in self.footnotes.items()}
        lines = []
        for row in self.rows:
            name = f"{row.name} ({row.remark})" if row.remark else row.name
            contents = [name, *(_content(row, column) or NOTHING for column in self.columns)]
            if self.setting:
                contents.append(" ".join(f"[{letters[note]}]" for note in row.protocol) or NOTHING)
            lines.append([Entry.of(content) for content in contents])
        return lines

    @cached_property
    def blocks(self) -> list[Block]:
        """The lines by blocks; of a table without blocks all of them, under no title."""
        blocks = [Block("", "", self.lines)] if not self.said else []
        for title, said in self.said.items():
            lines = [line for row, line in zip(self.rows, self.lines, strict=True) if row.block == title]
            blocks.append(Block(title, "" if lines else said, lines))
        return blocks

    @cached_property
    def footnotes(self) -> dict[str, str]:
        """Letter of the protocol column -> how numbers were measured, in order of appearance; many rows share one."""
        notes = dict.fromkeys(note for row in self.rows for note in row.protocol)
        return dict(zip(_letters(), notes, strict=False))

    @property
    def explanations(self) -> list[str]:
        """What stands below the table: the setting, the footnotes, the notes."""
        setting = [f"Ours: {self.setting}."] if self.setting else []
        return [*setting, *(f"[{letter}] {note}" for letter, note in self.footnotes.items()), *self.notes]


def to_csv(table: Table) -> str:
    """Full precision; an interval becomes two more columns, a standard deviation one. One header line."""
    parts = [pandas.DataFrame({table.head or "row": [row.name for row in table.rows]})]
    if table.said:
        parts.append(pandas.DataFrame({"block": [row.block for row in table.rows]}))
    for column in table.columns:
        values = [_values(_content(row, column)) for row in table.rows]
        frame = pandas.DataFrame(values, columns=["", " low", " high", " std", " remark"], dtype=object)
        filled = [part for part in frame if not part or frame[part].notna().any()]
        parts.append(frame[filled].add_prefix(column.title))
    if table.setting:
        data = [(row.data or table.setting) if row.ours else "" for row in table.rows]
        rows = [(on, "; ".join(row.protocol), row.remark) for on, row in zip(data, table.rows, strict=True)]
        parts.append(pandas.DataFrame(rows, columns=["ours: data", "protocol", "remark"]))
    return pandas.concat(parts, axis=1).to_csv(index=False, lineterminator="\n")


def _values(content: Content | None) -> tuple[Any, ...]:
    """Of an entry of the CSV: value, low, high, standard deviation, remark; None for what it lacks."""
    if not isinstance(content, Number):
        return (content.text if isinstance(content, Entry) else content, None, None, None, None)
    return (content.value, *(content.interval or (None, None)), content.std, content.remark or None)


def to_markdown(table: Table) -> str:
    """A heading, the table, what the letters in its protocol column mean, and the notes."""
    return f"### {table.identity}: {table.title}\n\n{markdown_body(table)}\n"


def markdown_body(table: Table) -> str:
    """The same without its heading."""
    columns = [_escaped(column.title) for column in table.shown_columns]
    entries = []
    for title, said, lines in table.blocks:
        if title:
            entries.append([f"**{title}**" + (f": {_escaped(said)}" if said else ""), *[""] * (len(columns) - 1)])
        for line in lines:
            entries.append([f"**{_escaped(entry.text)}**" if entry.strong else _escaped(entry.text) for entry in line])
    grid = markdown_grid(
        columns, entries, {place for place, column in enumerate(table.shown_columns) if column.numeric}
    )
    return "\n\n".join(part for part in (grid, "\n".join(f"- {line}" for line in table.explanations)) if part)


def markdown_grid(columns: Iterable[str], lines: Iterable[Iterable[str]], right: Iterable[int]) -> str:
    """A header, a line of dashes, the lines. right: places of the columns that are set flush right."""
    columns = list(columns)
    dashes = ["--:" if place in set(right) else "---" for place in range(len(columns))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, dashes, *lines))


def _content(row: Row, column: Column) -> Content | None:
    return (row.published if column.kind == "published" else row.ours).get(column.name)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


def _letters() -> Iterator[str]:
    """a ... z, aa, ab, ..."""
    for length in count(1):
        yield from map("".join, product(ascii_lowercase, repeat=length))
