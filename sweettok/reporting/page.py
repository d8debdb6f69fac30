"""reports/README.md: the page a reader opens. Verdicts first, then tables and figures, then how to make them again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweettok.reporting.claims import Verdict
from sweettok.reporting.claims_table import claims_table, rules_list
from sweettok.reporting.collect import Results
from sweettok.reporting.grid import Cell, Column, Grid
from sweettok.reporting.table import Number, Table, to_markdown
from sweettok.reporting.tables import setting

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
class FigureOnPage:
    """A picture in reports/figures, with what it shows in words for readers who cannot see it.

    section: of the web page, e.g. "training"; vector: the same as SVG or PDF, None where there is none.
    under: identity of the table it stands under, None: with its section's other figures.
    """

    file: str
    alt: str
    caption: str
    section: str
    vector: str | None = None
    under: str | None = None


def page(results: Results, tables: Sequence[Table], found: Sequence[Verdict], figures: Sequence[FigureOnPage]) -> str:
    """The page as Markdown; links are relative to reports/."""
    learned = learned_grid(results)
    alone = [figure for figure in figures if figure.under is None]
    parts = [
        f"# Report: {setting(results)}",
        INTRODUCTION,
        "The same with tables to sort and clips that move: [index.html](index.html), one file to open in a browser.",
        "## What became of the paper's claims",
        claims_table(found),
        "## Has it learned at all?",
        learned.to_markdown() if learned else "Not run.",
        "## Tables",
        *(part for table in tables for part in _table_with_figures(table, figures)),
        "## Figures",
        *map(_picture, alone),
        *([] if figures else ["No stage with pictures has run."]),
        "## How these numbers were made",
        how_made(),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def how_made() -> str:
    """A Markdown list: where numbers come from, and the rule of every kind of claim."""
    return f"{HOW_MADE}\n{rules_list()}"


def _table_with_figures(table: Table, figures: Sequence[FigureOnPage]) -> list[str]:
    under = [figure for figure in figures if figure.under == table.identity]
    return [f"{to_markdown(table)}\n{_files_of(table)}", *map(_picture, under)]


def _picture(figure: FigureOnPage) -> str:
    return f"![{figure.alt}](figures/{figure.file})\n\n*{figure.caption}*"


def _files_of(table: Table) -> str:
    return f"[CSV](tables/{table.identity}.csv), [LaTeX](tables/{table.identity}.tex)"


def learned_grid(results: Results) -> Grid | None:
    """The bars that the main model and its prior have to reach, and whether they do; None where nothing has been measured."""
    bars = [
        bar for measured in (results.reconstruction, results.generation) for bar in (measured or {}).get("learned", [])
    ]
    if not bars:
        return None
    lines = []
    for bar in bars:
        numbers = [float(bar[key]) for key in ("value", "required")]
        reached = Cell("yes") if bar["passed"] else Cell("no", strong=True)
        lines.append((Cell(bar["bar"]), *(Cell(Number(number).text(), number) for number in numbers), reached))
    columns = (Column("bar"), Column("value", numeric=True), Column("required", numeric=True), Column("passed"))
    return Grid(columns, tuple(lines))
