"""The report: tables, figures, results.json, metrics.json, plots and the pages a reader opens.

Everything is a function of `outputs/` alone (no dates, no paths), so an unchanged run gives identical files; only the web
page's run facts also say which code and machine they come from.
"""

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas

from sweettok.reporting import (
    ablation_figures,
    figures,
    pictures,
    prior_scaling,
    rate_distortion,
    retention,
    semantic_figures,
    small_sample,
)  # fmt: skip
from sweettok.reporting.claims import Verdict, verdicts
from sweettok.reporting.claims_table import claims_grid, claims_note, claims_table
from sweettok.reporting.collect import Results, collect
from sweettok.reporting.grid import Grid
from sweettok.reporting.latex import grid_to_latex, to_latex
from sweettok.reporting.numbers import all_numbers, as_text, headline_numbers
from sweettok.reporting.origin import Origin
from sweettok.reporting.page import FigureOnPage, learned_grid, page
from sweettok.reporting.style import save_png, save_vector, shared_style
from sweettok.reporting.table import Table, to_csv, to_markdown
from sweettok.reporting.tables import all_tables
from sweettok.reporting.web_page import web_page
from sweettok.storage import atomic_directory, atomic_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_report(
    outputs: str | Path,
    reports: str | Path,
    profile: str = "default",
    cells: Collection[str] | None = None,
    origin: Origin | None = None,
) -> Results:
    """Read a run's `outputs` and write `reports`; returns what was read.

    reports/tables/*.{csv,md,tex} (see all_tables; also claims, learned), reports/figures/*.{png,svg,pdf,gif}, reports/results.json
    (every number with its record), reports/metrics.json (flat, for `dvc metrics`), reports/plots/*.csv (for `dvc plots`),
    reports/README.md and reports/index.html, the page in one file. Stages that have not run are marked 'not run'.
    `profile`: the params' profile name, for headings. `cells`: the ablation cells (VARIANT-SEED) that belong to it; those
    another profile left in outputs stay out. None: all. `origin`: where the run comes from, for the page's run facts.
    The folders tables, figures and plots are replaced whole; on any error nothing is changed.
    Raises InputError (no outputs, a damaged file, unwritable reports).
    """
    results = collect(outputs, profile, cells)
    reports = Path(reports)
    tables, found = all_tables(results), verdicts(results)
    with ExitStack() as until_all_is_written:
        folders = {
            name: until_all_is_written.enter_context(atomic_directory(reports / name))
            for name in ("tables", "figures", "plots")
        }
        _write_tables(folders["tables"], tables, found, learned_grid(results))
        drawn = _draw(folders["figures"], results)
        _write_plots(folders["plots"], results)
        readme = until_all_is_written.enter_context(atomic_file(reports / "README.md"))
        readme.write_text(page(results, tables, found, drawn), encoding="utf-8")
        index = until_all_is_written.enter_context(atomic_file(reports / "index.html"))
        html = web_page(results, tables, found, drawn, folders["figures"], origin or Origin())
        index.write_text(html, encoding="utf-8")
        for name, content in (("results", all_numbers(results, found)), ("metrics", headline_numbers(results))):
            file = until_all_is_written.enter_context(atomic_file(reports / f"{name}.json"))
            file.write_text(as_text(content), encoding="utf-8")
    return results


def _write_tables(folder: Path, tables: tuple[Table, ...], found: tuple[Verdict, ...], learned: Grid | None) -> None:
    for table in tables:
        (folder / f"{table.identity}.csv").write_text(to_csv(table), encoding="utf-8")
        (folder / f"{table.identity}.md").write_text(to_markdown(table), encoding="utf-8")
        (folder / f"{table.identity}.tex").write_text(to_latex(table), encoding="utf-8")
    (folder / "claims.md").write_text(claims_table(found) + "\n", encoding="utf-8")
    for identity, title, grid, notes in (
        ("claims", "what became of the paper's ablation claims", claims_grid(found), (claims_note(found),)),
        ("learned", "has it learned at all?", learned, ()),
    ):
        if grid is not None:
            (folder / f"{identity}.csv").write_text(grid.to_csv(), encoding="utf-8")
            (folder / f"{identity}.tex").write_text(grid_to_latex(grid, identity, title, notes), encoding="utf-8")


def _draw(folder: Path, results: Results) -> list[FigureOnPage]:
    """Save every figure that its results allow; returns them in the order of the page."""
    drawn = []
    with shared_style():
        for figure, on_page in _figures(results):
            if figure is not None:
                save_png(figure, folder / on_page.file)
                vector = save_vector(figure, folder / on_page.file)
                drawn.append(replace(on_page, vector=vector.name if vector else None))
    if results.samples:
        pictures.save_sample_gif(results.samples, folder / "samples.gif")
        alt = "Animated grid of generated clips, one column a class, three samples each"
        order = ", ".join(pictures.shown_classes(results.samples).values())
        caption = f"The same samples moving. Columns from the left: {order}."
        drawn.append(FigureOnPage("samples.gif", alt, caption, section="samples"))
    return drawn


def _figures(results: Results) -> Iterator[tuple["Figure | None", FigureOnPage]]:
    yield (
        pictures.reconstruction_strips(results.strips),
        FigureOnPage(
            "reconstruction.png",
            "Frames of four test clips: the original above its reconstruction by every method",
            "Test clips and their reconstructions (T1), enlarged without smoothing.",
            section="reconstruction",
        ),
    )
    yield (
        retention.retention_chart(results),
        FigureOnPage(
            "retention.png",
            "Accuracy of the judge by factor: on real test clips, and on what the proxy, SweetTok and trivial baselines make of them",
            "What a reader of the clips would still see (T1_retention): how often the judge names each factor of a test clip. "
            "Grey line: chance.",
            section="tables",
            under="T1_retention",
        ),
    )
    yield (
        ablation_figures.ablation_bars(results),
        FigureOnPage(
            "ablation.png",
            "PSNR gain, perceptual and Frechet distance of each ablation variant, and its differences to full",
            "Ablation (T4, T5, T6). Above: mean over seeds, standard deviation (whisker), every seed (dot). Below: the "
            "paired difference to the full model with its 95 % interval; an interval across zero decides nothing.",
            section="tables",
        ),
    )
    yield (
        ablation_figures.ablation_curves(results),
        FigureOnPage(
            "ablation_curves.png",
            "Validation PSNR over training steps, one panel for every variant, the full model in grey behind it",
            "How the variants converge (colour; one line a seed) beside the full model (grey).",
            section="training",
        ),
    )
    yield (
        figures.training_curves(results),
        FigureOnPage(
            "training.png",
            "Loss, PSNR, accuracy and codebook usage over steps for every training",
            "The trainings of the main model.",
            section="training",
        ),
    )
    yield (
        figures.word_usage(results),
        FigureOnPage(
            "words.png",
            "Rank-frequency curves of the words that spatial and temporal tokens use, and their most frequent words",
            "Words in use on the validation clips; the dashed line is the number of addressable words.",
            section="codebook",
        ),
    )
    yield (
        semantic_figures.semantics_maps(results),
        FigureOnPage(
            "semantics.png",
            "Heat maps of few-shot accuracy by representation and of probe accuracy by factor and token group; below, points "
            "with intervals: the probes' paired difference, and the mutual information of words with the captions",
            "Few-shot and probe accuracy (T7), coloured from chance to 1. Below: the paired difference of the probes, and the "
            "mutual information between a clip's words and its caption's, each with its 95 % interval.",
            section="semantics",
        ),
    )
    yield (
        rate_distortion.rate_distortion(results),
        FigureOnPage(
            "rate_distortion.png",
            "Quality over tokens and over bits a clip: SweetTok, the proxy, trilinear grids, codecs, ablation variants",
            "Rate and distortion on the same test clips. Whiskers: 95 % interval over clips or, of the ablation (dashed, its "
            "own shorter schedule), standard deviation over seeds. Dotted: a codec without its headers. Codecs have no tokens.",
            section="tables",
        ),
    )
    yield (
        small_sample.size_curves(results),
        FigureOnPage(
            "small_sample.png",
            "Frechet distances over one divided by the number of clips, with a straight line down to zero",
            "How much of each Frechet distance is its small sample: mean over draws, and the line to infinitely many clips.",
            section="tables",
        ),
    )
    yield (
        prior_scaling.scaling_curves(results),
        FigureOnPage(
            "prior_scaling.png",
            "Frechet distance of samples and validation loss over the number of the prior's parameters",
            "Does a larger prior sample better (T2)? All else equal; every seed a dot.",
            section="samples",
        ),
    )
    if results.samples:
        yield (
            pictures.sample_grid(results.samples),
            FigureOnPage(
                "samples.png",
                "Frames of generated clips, one row for every class shown",
                f"Clips sampled from the prior (T2), two for each of {pictures.classes_in_words(results.samples)}.",
                section="samples",
            ),
        )


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
