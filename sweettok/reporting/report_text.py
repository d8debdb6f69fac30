"""What the report says beside its numbers (report.yaml): titles, notes and captions."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from sweettok.params.section import Section
from sweettok.reporting.table import CHECKPOINT, PUBLISHED, TRAINED, Row, Table

PATH = Path(__file__).with_name("report.yaml")
Better = Literal["higher", "lower", ""]
Texts = Annotated[tuple[str, ...], Field(strict=False)]


class ColumnText(Section):
    """What the web page says of a column beside its name: the unit, and which way is better."""

    unit: str = ""
    better: Better = ""


class TableText(Section):
    """Of one table. tab: what its tab on the web page is called; further: name -> a note that only some runs need;
    columns: what holds for all its columns of numbers that nothing else describes; checkpoint: of a table with blocks, how
    rows come into the block of checkpoints."""

    title: str
    tab: str = ""
    notes: Texts = ()
    further: dict[str, str] = {}
    columns: ColumnText = ColumnText()
    checkpoint: str = ""


class FigureText(Section):
    """Of one figure. tab: as of a table; alt: what it shows, for readers who cannot see it; under: the table that it
    stands under."""

    tab: str = ""
    under: str | None = None
    alt: str
    caption: str


class ReportText(Section):
    """All of report.yaml. columns: those that the registry of metrics does not know."""

    introduction: str
    how_made: Texts
    columns: dict[str, ColumnText]
    tables: dict[str, TableText]
    figures: dict[str, FigureText]


@cache
def report_text() -> ReportText:
    """Read and validate report.yaml, which comes with the code."""
    return ReportText.model_validate(yaml.safe_load(PATH.read_text(encoding="utf-8")))


def declared_table(
    identity: str,
    rows: Sequence[Row],
    setting: str = "",
    *,
    first: Sequence[str] = (),
    also: Sequence[str] = (),
    notes: Sequence[str] = (),
    **values: Any,
) -> Table:
    """A table with its title and notes in report.yaml.

    first: as `Table` has it; also: which of its further notes hold; notes: what this run adds; values: for the braces.
    """
    text = report_text().tables[identity]
    declared = [*text.notes, *(text.further[name] for name in also)]
    filled = [note.format(**values) for note in declared]
    said = {PUBLISHED: "", CHECKPOINT: text.checkpoint, TRAINED: ""} if text.checkpoint else {}
    if said:
        rows = sorted(rows, key=lambda row: list(said).index(row.block))
    title, notes = text.title.format(**values), (*filled, *notes)
    return Table(identity, title, tuple(rows), setting, notes, tuple(first), said=said)
