"""reports/README.md: the page a reader opens. Verdicts first, then tables and figures, then how to make them again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweettok.reporting.ablation import Difference
from sweettok.reporting.claims import DECIDING, Verdict
from sweettok.reporting.collect import Results
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
- A claim is *supported* where an interval of PSNR, perceptual or Frechet video distance lies on its side of zero and \
none on the other, *contradicted* the other way round, and otherwise *inconclusive*; also inconclusive where a variant \
is less than 1.5 dB above the mean colour. Intervals are not corrected for the number of claims.
- To make them again: `make repro`. To redraw from stored results: `make report`."""


@dataclass(frozen=True)
class FigureOnPage:
    """A picture in reports/figures, with what it shows in words for readers who cannot see it."""

    file: str
    alt: str
    caption: str


def page(results: Results, tables: Sequence[Table], found: Sequence[Verdict], figures: Sequence[FigureOnPage]) -> str:
    """The page as Markdown; links are relative to reports/."""
    parts = [
        f"# Report: {setting(results)}",
        INTRODUCTION,
        "## What became of the paper's ablation claims",
        claims_table(found),
        "## Has it learned at all?",
        _learned(results),
        "## Tables",
        *(f"{to_markdown(table)}\n[CSV](tables/{table.identity}.csv)" for table in tables),
        "## Figures",
        *(f"![{figure.alt}](figures/{figure.file})\n\n*{figure.caption}*" for figure in figures),
        *([] if figures else ["No stage with pictures has run."]),
        "## How these numbers were made",
        HOW_MADE,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def claims_table(found: Sequence[Verdict]) -> str:
    """The verdicts as a Markdown table."""
    header = ["", "claim", "verdict at this scale", "why", *(f"difference in {metric}" for metric in DECIDING), "paper"]
    lines = [header, ["---"] * len(header)]
    for verdict in found:
        differences = [_difference(verdict.differences.get(metric)) for metric in DECIDING]
        claim = verdict.claim
        judged = [claim.statement, f"**{verdict.verdict}**", verdict.reason]
        lines.append([claim.table, *judged, *differences, claim.published])
    note = (
        "Difference: the model that the claim calls better minus the other, with its 95 % interval. PSNR (dB): "
        "positive speaks for the claim. Distances: negative speaks for it."
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{note}"


def _difference(found: Difference | None) -> str:
    return "-" if found is None else Number(found.mean, found.interval).text()


def _learned(results: Results) -> str:
    bars = (results.reconstruction or {}).get("learned", [])
    if not bars:
        return "Not run."
    lines = [["bar", "value", "required", "passed"], ["---", "--:", "--:", "---"]]
    for bar in bars:
        passed = "yes" if bar["passed"] else "**no**"
        lines.append([bar["bar"], Number(float(bar["value"])).text(), Number(float(bar["required"])).text(), passed])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
