"""Ablation cells with numbers to choose."""

from collections.abc import Sequence

import numpy as np
import pandas
import pytest

from sweettok.reporting.collect import AblationCell, Results

MEAN_COLOUR = 15.0
DIFFICULTY = np.array([-1.0, -0.5, 0.5, 1.0])  # of each clip, the same for every model


@pytest.fixture
def cells():
    """(variant, PSNR of each seed, Frechet distance of each seed, rest of the summaries) -> cells.

    semantics, histories: one entry a seed.
    """

    def make(
        variant: str,
        psnr: Sequence[float],
        frechet: Sequence[float] | None = None,
        semantics: Sequence[dict] | None = None,
        histories: Sequence[pandas.DataFrame] | None = None,
        **rest,
    ) -> tuple[AblationCell, ...]:
        ablation = []
        for seed, value in enumerate(psnr):
            values = value + DIFFICULTY
            table = {"clip": [f"c{clip}" for clip in range(4)], "psnr": values, "ssim": values, "perceptual": -values}
            distance = 5.0 if frechet is None else frechet[seed]
            metrics = {"psnr": {"value": float(value)}, "frechet_video/judge": {"value": distance}}
            summary = {"metrics": metrics, "mean_colour_psnr": MEAN_COLOUR, "parameters": 1000, "tokens": 80}
            summary |= {"bits": 560.0, "steps": 400, **rest}
            summary |= {"semantics": semantics[seed]} if semantics else {}
            history = histories[seed] if histories else None
            ablation.append(AblationCell(variant, seed, summary, pandas.DataFrame(table), history))
        return tuple(ablation)

    return make


@pytest.fixture
def of():
    """Groups of cells -> results."""
    return lambda *groups: Results("test", cells=tuple(cell for group in groups for cell in group))
