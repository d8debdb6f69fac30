"""The figures of the report: what draws each, its caption, and where it stands on the page."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from matplotlib.figure import Figure

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
from sweettok.reporting.collect import Results
from sweettok.reporting.style import save_png, save_vector, shared_style


@dataclass(frozen=True)
class FigureOnPage:
    """A picture in reports/figures.

    file     its PNG (or GIF);  files: all of them, the same as SVG or PDF too where there is one
    draw     the figure, None where its results are absent
    alt      what it shows, for readers who cannot see it
    section  of the web page, e.g. "training"
    under    identity of the table it stands under, None: with its section's other figures
    """

    file: str
    draw: Callable[[Results], Figure | None]
    alt: str
    caption: str
    section: str
    under: str | None = None
    files: tuple[str, ...] = ()


FIGURES = (
    FigureOnPage(
        "reconstruction.png",
        lambda results: pictures.reconstruction_strips(results.strips),
        "Frames of four test clips: the original above its reconstruction by every method",
        "Test clips and their reconstructions (T1), enlarged without smoothing.",
        section="reconstruction",
    ),
    FigureOnPage(
        "retention.png",
        retention.retention_chart,
        "Accuracy of the judge by factor: on real test clips, and on their reconstructions by every method",
        "What a reader of the clips would still see (T1_retention): how often the judge names each factor of a test clip. "
        "Grey line: chance.",
        section="tables",
        under="T1_retention",
    ),
    FigureOnPage(
        "ablation.png",
        ablation_figures.ablation_bars,
        "PSNR gain, perceptual and Frechet distance of each ablation variant, and its differences to full",
        "Ablation (T4, T5, T6). Above: mean over seeds, standard deviation (whisker), every seed (dot). Below: the "
        "paired difference to the full model with its 95 % interval; an interval across zero decides nothing.",
        section="tables",
    ),
    FigureOnPage(
        "ablation_curves.png",
        ablation_figures.ablation_curves,
        "Validation PSNR over training steps, one panel for every variant, the full model in grey behind it",
        "How the variants converge (colour; one line a seed) beside the full model (grey).",
        section="training",
    ),
    FigureOnPage(
        "training.png",
        figures.training_curves,
        "Loss, PSNR, accuracy and codebook usage over steps for every training",
        "The trainings of the main model.",
        section="training",
    ),
    FigureOnPage(
        "words.png",
        figures.word_usage,
        "Rank-frequency curves of the words that spatial and temporal tokens use, and their most frequent words",
        "Words in use on the validation clips; the dashed line is the number of addressable words.",
        section="codebook",
    ),
    FigureOnPage(
        "semantics.png",
        semantic_figures.semantics_maps,
        "Heat maps of few-shot accuracy by representation and of probe accuracy by factor and token group; below, points "
        "with intervals: the probes' paired difference, and the mutual information of words with the captions",
        "Few-shot and probe accuracy (T7), coloured from chance to 1. Below: the paired difference of the probes, and the "
        "mutual information between a clip's words and its caption's, each with its 95 % interval.",
        section="semantics",
    ),
    FigureOnPage(
        "rate_distortion.png",
        rate_distortion.rate_distortion,
        "Quality over tokens and over bits a clip: tokenizers, trilinear grids, codecs, ablation variants",
        "Rate and distortion on the same test clips. Whiskers: 95 % interval over clips or, of the ablation (dashed, its "
        "own shorter schedule), standard deviation over seeds. Dotted: a codec without its headers. Codecs have no tokens.",
        section="tables",
    ),
    FigureOnPage(
        "small_sample.png",
        small_sample.size_curves,
        "Frechet distances over one divided by the number of clips, with a straight line down to zero",
        "How much of each Frechet distance is its small sample: mean over draws, and the line to infinitely many clips.",
        section="tables",
    ),
    FigureOnPage(
        "prior_scaling.png",
        prior_scaling.scaling_curves,
        "Frechet distance of samples and validation loss over the number of the prior's parameters",
        "Does a larger prior sample better (T2)? All else equal; every seed a dot.",
        section="samples",
    ),
)


def draw_figures(folder: Path, results: Results) -> list[FigureOnPage]:
    """Save every figure that its results allow; returns them in the order of the page."""
    saved = []
    with shared_style():
        for declared in (*FIGURES, *_sample_figures(results)):
            path = folder / declared.file
            if path.suffix == ".gif":
                pictures.save_sample_gif(results.samples or {}, path)
                saved.append(declared)
            elif figure := declared.draw(results):
                save_png(figure, path)
                vector = save_vector(figure, path)
                saved.append(replace(declared, files=(path.name, *([vector.name] if vector else []))))
    return saved


def _sample_figures(results: Results) -> list[FigureOnPage]:
    """Of generated clips, with the classes in their captions."""
    samples = results.samples
    if not samples:
        return []
    grid = FigureOnPage(
        "samples.png",
        lambda results: pictures.sample_grid(samples),
        "Frames of generated clips, one row for every class shown",
        f"Clips sampled from the prior (T2), two for each of {pictures.classes_in_words(samples)}.",
        section="samples",
    )
    moving = replace(
        grid,
        file="samples.gif",
        alt="Animated grid of generated clips, one column a class, three samples each",
        caption=f"The same samples moving. Columns from the left: {', '.join(pictures.shown_classes(samples).values())}.",
    )
    return [grid, moving]
