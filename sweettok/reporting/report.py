"""The report: tables, figures, results.json, metrics.json, plots and the pages a reader opens.

Everything is a function of `outputs/` alone (no dates, no paths), so an unchanged run gives identical files; only the web
page's run facts also say which code and machine they come from.
"""

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path

import pandas

from sweettok.reporting.all_figures import draw_figures
from sweettok.reporting.claims import verdicts
from sweettok.reporting.claims_table import claims_table
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.in_words import claims_json
from sweettok.reporting.latex import to_latex
from sweettok.reporting.numbers import all_numbers, as_text, headline_numbers
from sweettok.reporting.origin import Origin
from sweettok.reporting.page import Report, page
from sweettok.reporting.summary import summary, verdict_table
from sweettok.reporting.table import to_csv, to_markdown
from sweettok.reporting.tables import all_tables
from sweettok.reporting.thresholds import learned_table
from sweettok.reporting.web_page import web_page
from sweettok.storage import atomic_directory, atomic_file


def write_report(
    outputs: str | Path,
    reports: str | Path,
    profile: str = "default",
    cells: Collection[str] | None = None,
    origin: Origin | None = None,
    tokenizers: Collection[str] | None = None,
    replication: Collection[int] = (),
    table_of: Mapping[str, str] | None = None,
    pretrained: Collection[str] = (),
) -> Results:
    """Read a run's `outputs` and write `reports`; returns what was read.

    reports/tables/*.{csv,md,tex} (see all_tables; also claims, learned), reports/figures/*.{png,svg,pdf,gif}, reports/results.json
    (every number with its record), reports/metrics.json (flat, for `dvc metrics`), reports/claims.json (verdicts), reports/{summary,verdicts}.md (for the README), reports/plots/*.csv (for `dvc plots`),
    reports/README.md and reports/index.html, the page in one file. Stages that have not run are marked 'not run'.
    `profile`: the params' profile name, for headings. `cells`: the ablation cells (VARIANT-SEED) that belong to it; those
    another profile left in outputs stay out. `tokenizers`: the same for outputs/reconstruction. None: all. `table_of`, `pretrained`: see `Results`. `origin`: where the run comes from, for the page's run facts.
    The folders tables, figures and plots are replaced whole; on any error nothing is changed.
    Raises InputError (no outputs, a damaged file, unwritable reports).
    """
    results = collect(outputs, profile, cells, tokenizers, replication, table_of, pretrained)
    found, folder = verdicts(results), Path(reports)
    with ExitStack() as until_all_is_written:
        tables, figures, plots = (
            until_all_is_written.enter_context(atomic_directory(folder / name))
            for name in ("tables", "figures", "plots")
        )
        report = Report(
            results, claims_table(found), learned_table(results), all_tables(results), draw_figures(figures, results)
        )
        for table in (report.claims, *([report.learned] if report.learned else []), *report.tables):
            for suffix, text in (("csv", to_csv(table)), ("md", to_markdown(table)), ("tex", to_latex(table))):
                (tables / f"{table.identity}.{suffix}").write_text(text, encoding="utf-8")
        _write_plots(plots, results)
        for name, text in (
            ("README.md", page(report)),
            ("index.html", web_page(report, found, figures, origin or Origin())),
            ("results.json", as_text(all_numbers(results, found))),
            ("metrics.json", as_text(headline_numbers(results))),
            ("claims.json", as_text(claims_json(found))),
            ("summary.md", summary(results)),
            ("verdicts.md", verdict_table(found)),
        ):
            until_all_is_written.enter_context(atomic_file(folder / name)).write_text(text, encoding="utf-8")
    return results


def _write_plots(folder: Path, results: Results) -> None:
    """<training>_<split>.csv (step and what was measured in that split) and ablation.csv (variant, seed, metrics)."""
    for training, history in results.histories.items():
        for split, rows in history.groupby("split", sort=True):
            measured = rows.dropna(axis="columns", how="all").drop(columns="split")
            measured.to_csv(folder / f"{training}_{split}.csv", index=False, lineterminator="\n")
    if results.cells:
        rows = [
            {"variant": cell.variant, "seed": cell.seed}
            | {name: record["value"] for name, record in cell.summary["metrics"].items()}
            for cell in results.cells
        ]
        pandas.DataFrame(rows).to_csv(folder / "ablation.csv", index=False, lineterminator="\n")
