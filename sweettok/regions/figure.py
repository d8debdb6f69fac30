"""Text fidelity against the height of letters: a picture of all evaluations on the same clips that lie in a folder."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from sweettok.errors import InputError
from sweettok.storage import atomic_file, read_json


def _of_clips(path: Path, clips: str) -> dict[str, Any] | None:
    """The evaluation in a file; None where it is of other clips, has no text, or the file is something else."""
    try:
        one = read_json(path)
        of_text = one["clips"]["fingerprint"] == clips and "text/accuracy" in one["metrics"] and "bits" in one["tokenizer"]
    except (InputError, TypeError, KeyError):
        return None
    return one if of_text else None


def write_text_figure(folder: Path, clips: str) -> None:
    """text_accuracy.png in a folder of what `sweettok evaluate -o` writes: a line for each that has this fingerprint of clips."""
    found = [one for path in sorted(folder.glob("*.json")) if (one := _of_clips(path, clips))]
    figure = Figure(figsize=(6, 4), layout="constrained")
    panel = figure.subplots()
    for one in sorted(found, key=lambda one: one["tokenizer"]["bits"]):
        points = one["metrics"]["text/accuracy"]["protocol"]["by_height"]
        label = f"{one['tokenizer']['name']}, {one['tokenizer']['bits']:,.0f} bits"
        panel.plot(*([point[key] for point in points] for key in ("height", "value")), "o-", markersize=4, label=label)
    panel.set_xscale("log")
    heights = [round(point["height"]) for point in points]
    panel.set_xticks(heights, map(str, heights))
    panel.minorticks_off()
    panel.set(xlabel="height of letters (pixels)", ylabel="words read as on the original", ylim=(-0.02, 1.02))
    panel.legend(fontsize=8, frameon=False)
    with atomic_file(folder / "text_accuracy.png") as file:
        figure.savefig(file, format="png", dpi=150)
