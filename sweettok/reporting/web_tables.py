"""Tables as the web page shows them: units and the better direction in the headings, protocols behind the numbers."""

from dataclasses import dataclass
from itertools import groupby

from sweettok.metrics.registry import metrics
from sweettok.reporting.report_text import Better, report_text
from sweettok.reporting.table import Column, Entry, Table


@dataclass(frozen=True)
class Heading:
    """Of a column. numeric: set flush right."""

    name: str
    unit: str = ""
    better: Better = ""
    numeric: bool = False


@dataclass(frozen=True)
class Cell:
    """text, and what stands small below it: an interval, a spread, a remark. value: what sorting goes by.

    how: the place of its protocol in `WebTable.protocols`, from 1; 0: none.
    """

    text: str
    below: str = ""
    value: float | int | None = None
    strong: bool = False
    how: int = 0


@dataclass(frozen=True)
class WebTable:
    """groups: title over neighbouring columns -> how many, or nothing where all are of one kind; blocks: as of a `Table`."""

    identity: str
    title: str
    tab: str
    groups: tuple[tuple[str, int], ...]
    headings: tuple[Heading, ...]
    blocks: tuple[tuple[str, str, list[list[Cell]]], ...]
    protocols: tuple[str, ...]
    setting: str
    notes: tuple[str, ...]


def web_table(table: Table) -> WebTable:
    """The page's view of a table of the report; facts have no text in report.yaml."""
    shown = 1 + len(table.columns)  # the rest: letters of protocols
    protocols = tuple(dict.fromkeys(entry.protocol for line in table.lines for entry in line if entry.protocol))
    kinds = tuple((kind, len(list(columns))) for kind, columns in groupby(column.kind for column in table.columns))
    text = report_text().tables.get(table.identity)
    return WebTable(
        table.identity,
        table.title,
        (text.tab if text else "") or table.identity,
        kinds if len(kinds) > 1 else (),
        (Heading(table.head), *(_heading(column, table.identity) for column in table.columns)),
        tuple(
            (title, said, [[_cell(entry, protocols) for entry in line[:shown]] for line in lines])
            for title, said, lines in table.blocks
        ),
        protocols,
        table.setting,
        table.notes,
    )


def _heading(column: Column, table: str) -> Heading:
    """The unit stands in brackets behind a column's name, or in report.yaml."""
    name, bracket, unit = column.name.removesuffix(")").partition(" (")
    if not (bracket and column.name.endswith(")")):
        name, unit = column.name, ""
    base, comma, against = column.name.partition(", minus ")  # "PSNR (dB), minus full"
    if comma:
        of_metric = _heading(Column(base), table)
        return Heading(f"{of_metric.name} minus {against}", of_metric.unit, of_metric.better, column.numeric)
    known = {metric.title: metric.higher_is_better for metric in metrics().values()}
    texts = report_text()
    if column.name in known:
        return Heading(name, unit, "higher" if known[column.name] else "lower", column.numeric)
    text = texts.columns.get(column.name)
    if text is None and column.numeric and table in texts.tables:
        text = texts.tables[table].columns
    return Heading(name, unit or (text.unit if text else ""), text.better if text else "", column.numeric)


def _cell(entry: Entry, protocols: tuple[str, ...]) -> Cell:
    how = protocols.index(entry.protocol) + 1 if entry.protocol else 0
    number, _, below = entry.text.partition(" ") if entry.value is not None else (entry.text, "", "")
    return Cell(number, below, entry.value, entry.strong, how)
