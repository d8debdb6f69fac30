"""The paper's numbers (published.yaml), and the rows and columns of a table that show them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from sweettok.reporting.table import PUBLISHED, Content, Number, Row

PATH = Path(__file__).with_name("published.yaml")


@dataclass(frozen=True, kw_only=True)
class Published:
    """One published number.

    table   T1 ... T7;  method  the row's name;  metric  e.g. "rFVD";  value  None where only a statement was published
    tokens  per clip (or image), None where not stated;  data, source  where it was measured and where it is printed
    ours    the method or variant of this project that it is to be read with, None where there is none
    protocol  how it was measured: a name in sweettok.metrics.presets, or "not stated"; "" where the table does not ask
    """

    table: str
    method: str
    metric: str
    value: float | None = None
    tokens: int | None = None
    data: str
    source: str
    ours: str | None = None
    protocol: str = ""


@cache
def all_published() -> tuple[Published, ...]:
    """Every number, in the paper's order."""
    tables = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return tuple(Published(table=table, **row) for table, rows in tables.items() for row in rows)


def published(table: str) -> tuple[Published, ...]:
    """The published rows of a table, in the paper's order. Raises KeyError for a table that does not exist."""
    rows = tuple(row for row in all_published() if row.table == table)
    if not rows:
        raise KeyError(f"no published table {table!r}; there are T1 ... T7")
    return rows


def published_rows(table: str, alone: bool = False) -> list[Row]:
    """The rows of a table. alone: only those that nothing of ours stands beside."""
    rows = [row for row in published(table) if not alone or row.ours is None]
    return [Row(row.method, published=published_columns(row), block=PUBLISHED) for row in rows]


def published_beside(table: str) -> dict[str, Published]:
    """Our method or variant -> the published row that it stands beside."""
    return {row.ours: row for row in published(table) if row.ours is not None}


def published_columns(row: Published | None) -> dict[str, Content]:
    """The published columns of a row; none of None."""
    if row is None:
        return {}
    remark = "statement only" if row.value is None else ""
    counted = any(other.tokens for other in published(row.table))
    tokens = {"tokens": Number(row.tokens)} if counted else {}
    protocol = f"protocol {row.protocol}" if row.protocol else ""
    return {
        row.metric: Number(row.value, remark=remark, as_printed=True, protocol=protocol),
        **tokens,
        "source": f"{row.source}; {row.data}",
    }
