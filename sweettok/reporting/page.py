"""reports/README.md: the page a reader opens. Verdicts first, then tables and figures, then how to make them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from sweettok.reporting.all_figures import FigureOnPage
from sweettok.reporting.claims_table import rules
from sweettok.reporting.collect import Results
from sweettok.reporting.report_text import report_text
from sweettok.reporting.table import Table, markdown_body, to_markdown
from sweettok.reporting.thresholds import reached

PARTS = Path(__file__).with_name("web")


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
    """The page as Markdown, web/README.md; links are relative to reports/."""
    environment = Environment(loader=FileSystemLoader(PARTS), trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"body": markdown_body, "markdown": to_markdown}
    template = environment.get_template("README.md")
    words = {"text": report_text(), "reached": reached(report.results), "how_made": how_made()}
    return template.render(report=report, picture=_picture, **words).rstrip() + "\n"


def how_made() -> str:
    """A Markdown list: where numbers come from, and the rule of every kind of claim."""
    return "\n".join(f"- {line}" for line in (*report_text().how_made, *rules()))


def _picture(figure: FigureOnPage) -> str:
    return f"![{figure.text.alt}](figures/{figure.files[0]})\n\n*{figure.caption}*"
