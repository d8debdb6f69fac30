"""What a training reports while it runs: its history, a bar in the terminal, curves of a tracking run, and a warning."""

import time
from typing import Any

from tqdm import tqdm

from sweettok.progress import progress

USAGE_ALARM = 0.05  # share of words in use on validation clips under which a codebook counts as collapsed


class Progress:
    """Rows of a training, each with `step` and `split` ("train" or "val"), shown and logged as they come.

    Args:
        name, steps: of the training; `start` of its steps are done, and `history` has their rows.
        run: sweettok.tracking run that gets the metrics, from `first_step` on its axis; or None.
        visible: whether this process has the bar and the warnings.
    """

    def __init__(
        self, name: str, steps: int, start: int, history: list[dict], run: Any, first_step: int, visible: bool
    ) -> None:
        self.name, self.history, self.run, self.first_step, self.visible = name, history, run, first_step, visible
        self.bar = progress(name=name, total=steps, initial=start, unit="step", disable=not visible)
        self.clock, self.clock_step = time.perf_counter(), start
        self.validated: dict[str, float] = {}  # in trainings on proxy codes only validation decodes to pixels

    def train_row(self, step: int, metrics: dict[str, float]) -> None:
        """Metrics of a step: `loss` first, `lr` last."""
        speed = (step - self.clock_step) / (time.perf_counter() - self.clock)
        self.clock, self.clock_step = time.perf_counter(), step
        shown = {name: value for name, value in metrics.items() if name != "lr"} | self.validated
        self.bar.set_postfix({name: f"{value:.3g}" for name, value in shown.items()}, refresh=False)
        self._add(step, "train", metrics, {"steps_per_s": speed})

    def validation_row(self, step: int, metrics: dict[str, float]) -> None:
        """Metrics of all validation clips. Warns of a collapsed codebook, once a training however often it is resumed."""
        self.validated = {"val_psnr": metrics["psnr"]} if "psnr" in metrics else {}
        if self.visible and not any(_collapsed(row) for row in self.history if row["split"] == "val"):
            for key, value in _collapsed(metrics).items():
                tqdm.write(
                    f"WARNING {self.name}: {key} is {value:.1%} at step {step}: the codebook is collapsing; "
                    "raise usage_entropy or lower lr"
                )
        self._add(step, "val", metrics, {})

    def _add(self, step: int, split: str, metrics: dict[str, float], only_logged: dict[str, float]) -> None:
        self.history.append({"step": step, "split": split, **metrics})
        if self.run:
            curves = {f"{split}/{name}": value for name, value in metrics.items()} | only_logged
            self.run.log_metrics(curves, self.first_step + step)


def _collapsed(metrics: dict[str, Any]) -> dict[str, float]:
    """The codebooks that validation finds collapsed, with their usage."""
    return {key: value for key, value in metrics.items() if key.startswith("usage") and value < USAGE_ALARM}
