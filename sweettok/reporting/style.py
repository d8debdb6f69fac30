"""One look for all figures: colours that colour-blind readers tell apart, few lines, and files that do not change."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

# Okabe and Ito (2008), in an order in which neighbours also differ in lightness
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#8C8C00")
GREY = "#6E6E6E"
MARKERS = "oDs^vPX"  # their number has no divisor in common with that of the colours: 56 looks

_RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the same file on every machine
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "figure.constrained_layout.use": True,
    "figure.dpi": 130,
    "savefig.dpi": "figure",
    "svg.hashsalt": "sweettok",  # names of clipping paths, which otherwise change with every run
}
LARGEST_SVG = 300_000  # bytes; a figure of so many strokes is saved as PDF, which is compressed


@contextmanager
def shared_style() -> Iterator[None]:
    """Figures made and saved in this block look alike; matplotlib's global state is left as it was."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a reader's own matplotlibrc must not show
        matplotlib.rcParams.update(_RC)
        yield


def save_png(figure: Figure, path: Path) -> None:
    """Write a PNG. The same figure gives the same bytes: no date, no version."""
    figure.savefig(path, format="png", metadata={"Software": None})


def save_vector(figure: Figure, path: Path) -> Path | None:
    """Write a chart for print: `path` with the suffix .svg or, where that would exceed 300 kB, .pdf; returns which.

    None for a figure that is one picture (`figimage`), of which vectors would show no more. The same bytes every time.
    """
    if figure.images:
        return None
    svg, pdf = path.with_suffix(".svg"), path.with_suffix(".pdf")
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    if svg.stat().st_size <= LARGEST_SVG:
        return svg
    svg.unlink()
    figure.savefig(pdf, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return pdf
