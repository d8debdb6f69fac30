"""reports/README.md: the page a reader opens. Verdicts first, then tables and figures, then how to make them again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweettok.reporting.all_figures import FigureOnPage
from sweettok.reporting.claims_table import rules
from sweettok.reporting.collect import Results
from sweettok.reporting.report_text import declared_table, report_text
from sweettok.reporting.table import Cell, Number, Row, Table, markdown_body, to_markdown


@dataclass(frozen=True)
class Report:
    """All that both pages show. learned: None where nothing has been measured."""

    results: Results
    claims: Table
    learned: Table | None
    tables: Sequence[Table]
    figures: Sequence[FigureOnPage]

    def under(self, table: Table) -> list[FigureOnPage]:
        """The figures that stand under a table."""
        return [figure for figure in self.figures if figure.text.under == table.identity]


def page(report: Report) -> str:
    """The page as Markdown; links are relative to reports/."""
    parts = [
        f"# Report: {report.results.setting}",
        report_text().introduction,
        "The same with tables to sort and clips that move: [index.html](index.html), one file to open in a browser.",
        "## What became of the paper's claims",
        markdown_body(report.claims),
        "## Has it learned at all?",
        markdown_body(report.learned) if report.learned else "Not run.",
        "## Tables",
        *(part for table in report.tables for part in _table_with_figures(report, table)),
        "## Figures",
        *(_picture(figure) for figure in report.figures if figure.text.under is None),
        *([] if report.figures else ["No stage with pictures has run."]),
        "## How these numbers were made",
        how_made(),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def how_made() -> str:
    """A Markdown list: where numbers come from, and the rule of every kind of claim."""
    return "\n".join(f"- {line}" for line in (*report_text().how_made, *rules()))


def _table_with_figures(report: Report, table: Table) -> list[str]:
    files = f"[CSV](tables/{table.identity}.csv), [LaTeX](tables/{table.identity}.tex)"
    return [f"{to_markdown(table)}\n{files}", *map(_picture, report.under(table))]


def _picture(figure: FigureOnPage) -> str:
    return f"![{figure.text.alt}](figures/{figure.files[0]})\n\n*{figure.caption}*"


def learned_table(results: Results) -> Table | None:
    """The thresholds that the main model and its prior have to reach, and whether they do; None: nothing was measured."""
    thresholds = [
        threshold
        for measured in (results.reconstruction, results.generation)
        for threshold in (measured or {}).get("learned", [])
    ]
    rows = [
        Row(
            threshold["bar"],
            {
                "value": Number(float(threshold["value"])),
                "required": Number(float(threshold["required"])),
                "passed": Cell("yes") if threshold["passed"] else Cell("no", strong=True),
            },
        )
        for threshold in thresholds
    ]
    return declared_table("learned", rows) if rows else None
