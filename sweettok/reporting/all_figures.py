"""The figures of the report: what draws each. What is said of them stands in report.yaml."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from sweettok.reporting import (
    ablation_figures,
    figures,
    forest,
    pictures,
    prior_scaling,
    rate_distortion,
    retention,
    semantic_figures,
    small_sample,
)  # fmt: skip
from sweettok.reporting.claims import verdicts
from sweettok.reporting.collect import Results
from sweettok.reporting.report_text import FigureText, report_text
from sweettok.reporting.style import save_png, save_vector, shared_style
from sweettok.reporting.teaser import save_teaser

DRAWN: dict[str, Callable[[Results], Figure | None]] = {  # in the order of the page; None where its results are absent
    "forest.png": lambda results: forest.forest_plot(verdicts(results)),
    "reconstruction.png": lambda results: pictures.reconstruction_strips(results.strips),
    "retention.png": retention.retention_chart,
    "ablation.png": ablation_figures.ablation_bars,
    "ablation_curves.png": ablation_figures.ablation_curves,
    "trade_off.png": ablation_figures.trade_off,
    "training.png": figures.training_curves,
    "words.png": figures.word_usage,
    "semantics.png": semantic_figures.semantics_maps,
    "rate_distortion.png": rate_distortion.rate_distortion,
    "small_sample.png": small_sample.size_curves,
    "prior_scaling.png": prior_scaling.scaling_curves,
    "samples.png": lambda results: pictures.sample_grid(results.samples) if results.samples else None,
}


@dataclass(frozen=True)
class FigureOnPage:
    """A picture in reports/figures. files: its PNG, and the same as SVG or PDF where there is one; or a GIF."""

    files: tuple[str, ...]
    text: FigureText
    caption: str


def draw_figures(folder: Path, results: Results) -> list[FigureOnPage]:
    """Save every figure that its results allow; returns them in the order of the page."""
    saved: dict[str, tuple[str, ...]] = {}
    with shared_style():
        for name, draw in DRAWN.items():
            if figure := draw(results):
                save_png(figure, folder / name)
                vector = save_vector(figure, folder / name)
                saved[name] = (name, *([vector.name] if vector else []))
    if results.clip_words and results.strips and "sweettok" in results.strips:
        save_teaser(results.strips, results.clip_words, folder / "reconstruction.gif")
        saved["reconstruction.gif"] = ("reconstruction.gif",)
    values = {}
    if results.samples:
        pictures.save_sample_gif(results.samples, folder / "samples.gif")
        saved["samples.gif"] = ("samples.gif",)
        names = ", ".join(pictures.shown_classes(results.samples).values())
        values = {"classes": pictures.classes_in_words(results.samples), "names": names}
    texts = report_text().figures
    return [FigureOnPage(files, texts[name], texts[name].caption.format(**values)) for name, files in saved.items()]
