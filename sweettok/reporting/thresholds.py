"""What the main model and its prior must reach before comparisons mean something: as a table, and the missed ones in words."""

from collections.abc import Mapping
from typing import Any

from sweettok.reporting.collect import Results
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.table import Entry, Number, Row, Table

Measured = Mapping[str, Any] | None  # Results.reconstruction or Results.generation


def thresholds(*measured: Measured) -> list[Mapping[str, Any]]:
    """Each with bar (what is measured), value, required (at least) and passed; empty where nothing was measured."""
    return [threshold for part in measured for threshold in (part or {}).get("learned", [])]


def learned_table(results: Results) -> Table | None:
    """All thresholds, and whether they are reached; None: nothing was measured."""
    rows = [
        Row(
            threshold["bar"],
            {
                "value": Number(float(threshold["value"])),
                "required": Number(float(threshold["required"])),
                "passed": Entry("yes") if threshold["passed"] else Entry("no", strong=True),
            },
        )
        for threshold in thresholds(results.reconstruction, results.generation)
    ]
    return declared_table("learned", rows) if rows else None


def reached(results: Results) -> str:
    """How many thresholds are reached, then those that are not; "" where nothing was measured."""
    every = thresholds(results.reconstruction, results.generation)
    missed = [_in_words(one) for one in every if not one["passed"]]
    if not every:
        return ""
    text = f"Thresholds: {len(every) - len(missed)} of {len(every)} are reached."
    return text + (f" **Missed**: {'; '.join(missed)}." if missed else "")


def threshold_notes(measured: Measured) -> tuple[str, ...]:
    """A note on each missed threshold, for the table of what was measured."""
    return tuple(f"**Threshold missed**: {_in_words(one)}." for one in thresholds(measured) if not one["passed"])


def remark(results: Results, bar: str) -> str:
    """What must stand beside a number: the threshold that it misses, or nothing."""
    found = next((one for one in thresholds(results.reconstruction) if one["bar"] == bar and not one["passed"]), None)
    return f"below the threshold of {found['required']:g}" if found else ""


def _in_words(threshold: Mapping[str, Any]) -> str:
    """E.g. "retention of SweetTok: manner is 0.5880, at least 0.6 is required"."""
    return f"{threshold['bar']} is {Number(float(threshold['value'])).text()}, at least {threshold['required']:g} is required"
