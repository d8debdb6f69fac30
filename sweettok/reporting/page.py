"""reports/README.md: the page a reader opens. Verdicts first, then tables and figures, then how to make them again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweettok.reporting.all_figures import FigureOnPage
from sweettok.reporting.claims_table import rules_list
from sweettok.reporting.collect import Results
from sweettok.reporting.table import Cell, Number, Row, Table, markdown_body, to_markdown

INTRODUCTION = """\
SweetTok (arXiv 2412.10443) rebuilt and measured at this profile's scale. Published numbers stand beside ours to show \
which *order* the paper reports; the two have no scale in common, because data, size and feature extractor differ."""

HOW_MADE = """\
- Every number of ours comes from a stage of `dvc.yaml`; `results.json` holds each with its sample size, split, seed, \
interval and protocol, `tables/*.csv` hold the tables in full precision.
- Intervals are 95 %. Of one model: bootstrap over test clips. Of a difference between two variants: paired over seeds \
and clips, the wider of a bootstrap over both and Student's t over the seeds' means.
- `frechet_video/judge`, `frechet_image/judge` and `perceptual/judge` use features of this project's judge network \
(stage `train_judge`); the protocol column gives its checksum. They are not FVD, FID or LPIPS.
- `fvd`, `fid` and `lpips/...`, where the params ask for them, are measured on the published weights, known by their \
sha256; other weights give other names. `fvd@larp` is measured as LARP's published protocol says, `fvd` on the test clips \
as they are stored.
- Claims, their tests and rules are data (`sweettok/reporting/claims.yaml`), with when each rule was fixed; verdicts are \
computed. Intervals are not corrected for the number of claims.
- To make them again: `make repro`. To redraw from stored results: `make report`."""


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
        return [figure for figure in self.figures if figure.under == table.identity]


def page(report: Report) -> str:
    """The page as Markdown; links are relative to reports/."""
    parts = [
        f"# Report: {report.results.setting}",
        INTRODUCTION,
        "The same with tables to sort and clips that move: [index.html](index.html), one file to open in a browser.",
        "## What became of the paper's claims",
        markdown_body(report.claims),
        "## Has it learned at all?",
        markdown_body(report.learned) if report.learned else "Not run.",
        "## Tables",
        *(part for table in report.tables for part in _table_with_figures(report, table)),
        "## Figures",
        *(_picture(figure) for figure in report.figures if figure.under is None),
        *([] if report.figures else ["No stage with pictures has run."]),
        "## How these numbers were made",
        how_made(),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def how_made() -> str:
    """A Markdown list: where numbers come from, and the rule of every kind of claim."""
    return f"{HOW_MADE}\n{rules_list()}"


def _table_with_figures(report: Report, table: Table) -> list[str]:
    files = f"[CSV](tables/{table.identity}.csv), [LaTeX](tables/{table.identity}.tex)"
    return [f"{to_markdown(table)}\n{files}", *map(_picture, report.under(table))]


def _picture(figure: FigureOnPage) -> str:
    return f"![{figure.alt}](figures/{figure.file})\n\n*{figure.caption}*"


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
    return Table("learned", "has it learned at all?", tuple(rows), head="threshold") if rows else None
