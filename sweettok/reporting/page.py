"""reports/README.md: the page a reader opens. Verdicts first, then tables and figures, then how to make them again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweettok.reporting.ablation import Difference
from sweettok.reporting.claims import DECIDING, Verdict
from sweettok.reporting.collect import Results
from sweettok.reporting.grid import Cell, Column, Grid
from sweettok.reporting.table import NOTHING, Number, Table, to_markdown
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
- A claim is *supported* where an interval of PSNR, perceptual or Frechet video distance lies on its side of zero and \
none on the other, *contradicted* the other way round, and otherwise *inconclusive*; also inconclusive where a variant \
is less than 1.5 dB above the mean colour. Intervals are not corrected for the number of claims.
- To make them again: `make repro`. To redraw from stored results: `make report`."""


CLAIMS_NOTE = (
    "Difference: the model that the claim calls better minus the other, with its 95 % interval. PSNR (dB): "
    "positive speaks for the claim. Distances: negative speaks for it."
)


@dataclass(frozen=True)
class FigureOnPage:
    """A picture in reports/figures, with what it shows in words for readers who cannot see it.

    section: of the web page, e.g. "training"; vector: the same as SVG or PDF, None where there is none.
    """

    file: str
    alt: str
    caption: str
    section: str
    vector: str | None = None


def page(results: Results, tables: Sequence[Table], found: Sequence[Verdict], figures: Sequence[FigureOnPage]) -> str:
    """The page as Markdown; links are relative to reports/."""
    learned = learned_grid(results)
    parts = [
        f"# Report: {setting(results)}",
        INTRODUCTION,
        "The same with tables to sort and clips that move: [index.html](index.html), one file to open in a browser.",
        "## What became of the paper's ablation claims",
        claims_table(found),
        "## Has it learned at all?",
        learned.to_markdown() if learned else "Not run.",
        "## Tables",
        *(f"{to_markdown(table)}\n{_files_of(table)}" for table in tables),
        "## Figures",
        *(f"![{figure.alt}](figures/{figure.file})\n\n*{figure.caption}*" for figure in figures),
        *([] if figures else ["No stage with pictures has run."]),
        "## How these numbers were made",
        HOW_MADE,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _files_of(table: Table) -> str:
    return f"[CSV](tables/{table.identity}.csv), [LaTeX](tables/{table.identity}.tex)"


def claims_table(found: Sequence[Verdict]) -> str:
    """The verdicts as a Markdown table, and what a difference means."""
    return f"{claims_grid(found).to_markdown()}\n\n{CLAIMS_NOTE}"


def claims_grid(found: Sequence[Verdict]) -> Grid:
    """One line a claim: verdict, why, the differences that decide, and what the paper has."""
    differences = [Column(f"difference in {metric}") for metric in DECIDING]
    texts = [Column(name) for name in ("", "claim", "verdict at this scale", "why")]
    lines = []
    for verdict in found:
        claim = verdict.claim
        judged = [Cell(claim.table), Cell(claim.statement), Cell(verdict.verdict, strong=True), Cell(verdict.reason)]
        measured = [_difference(verdict.differences.get(metric)) for metric in DECIDING]
        lines.append((*judged, *measured, Cell(claim.published)))
    return Grid((*texts, *differences, Column("paper")), tuple(lines))


def _difference(found: Difference | None) -> Cell:
    return Cell(NOTHING) if found is None else Cell(Number(found.mean, found.interval).text(), found.mean)


def learned_grid(results: Results) -> Grid | None:
    """The bars that the main model has to reach, and whether it does; None where it has not been measured."""
    bars = (results.reconstruction or {}).get("learned", [])
    if not bars:
        return None
    lines = []
    for bar in bars:
        numbers = [float(bar[key]) for key in ("value", "required")]
        reached = Cell("yes") if bar["passed"] else Cell("no", strong=True)
        lines.append((Cell(bar["bar"]), *(Cell(Number(number).text(), number) for number in numbers), reached))
    columns = (Column("bar"), Column("value", numeric=True), Column("required", numeric=True), Column("passed"))
    return Grid(columns, tuple(lines))
