"""What the report says beside its numbers (report.yaml): titles, notes and captions."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from sweettok.params.section import Section
from sweettok.reporting.table import Row, Table

PATH = Path(__file__).with_name("report.yaml")
SectionName = Literal["tables", "reconstruction", "samples", "training", "semantics", "codebook"]  # of the web page
Texts = Annotated[tuple[str, ...], Field(strict=False)]


class TableText(Section):
    """Of one table. further: name -> a note that only some runs need."""

    title: str
    section: SectionName = "tables"
    notes: Texts = ()
    further: dict[str, str] = {}


class FigureText(Section):
    """Of one figure. alt: what it shows, for readers who cannot see it; under: the table that it stands under."""

    section: SectionName
    under: str | None = None
    alt: str
    caption: str


class ReportText(Section):
    """All of report.yaml."""

    introduction: str
    how_made: Texts
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
    return Table(identity, text.title.format(**values), tuple(rows), setting, (*filled, *notes), tuple(first))
