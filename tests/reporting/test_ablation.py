"""Paired differences of ablation cells."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest

from sweettok.errors import InputError
from sweettok.reporting.ablation import difference, gain_over_mean_colour, has_learned, over_seeds
from sweettok.reporting.collect import AblationCell, Results, collect


def cell(variant: str, seed: int, psnr: list[float], frechet: float = 5.0, mean_colour: float = 15.0) -> AblationCell:
    clips = [f"c{index}" for index in range(len(psnr))]
    table = pandas.DataFrame({"clip": clips, "psnr": psnr, "ssim": psnr, "perceptual": psnr})
    metrics = {"psnr": {"value": float(np.mean(psnr))}, "frechet_video/judge": {"value": frechet}}
    return AblationCell(variant, seed, {"metrics": metrics, "mean_colour_psnr": mean_colour}, table, None)


def of(*cells: AblationCell) -> Results:
    return Results("test", cells=cells)


def test_difference_is_variant_minus_reference_over_shared_seeds():
    results = of(
        cell("full", 0, [20, 22]), cell("full", 1, [21, 23]), cell("full", 2, [90, 90]),
        cell("lc", 0, [19, 20]), cell("lc", 1, [19, 22]),
    )  # fmt: skip
    found = difference(results, "lc", "full", "psnr")
    assert (found.seeds, found.clips, found.per_seed, found.mean) == ((0, 1), 2, (-1.5, -1.5), -1.5)


def test_clips_are_paired_by_name_not_by_row():
    shuffled = cell("lc", 0, [19, 20, 30])
    shuffled = replace(shuffled, per_clip=shuffled.per_clip.iloc[[2, 0, 1]])
    found = difference(of(cell("full", 0, [20, 21, 31]), shuffled), "lc", "full", "psnr")
    assert found.interval == (-1.0, -1.0)


def test_a_metric_without_values_per_clip_has_one_a_seed():
    results = of(*(cell(v, seed, [20, 21], frechet=d + seed) for v, d in (("full", 5), ("lc", 7)) for seed in (0, 1)))
    found = difference(results, "lc", "full", "frechet_video/judge")
    assert (found.clips, found.per_seed, found.clip_variance) == (1, (2.0, 2.0), None)


def test_no_shared_seed_and_missing_metric():
    results = of(cell("full", 0, [20, 21]), cell("lc", 1, [10, 11]))
    assert difference(results, "lc", "full", "psnr") is None
    assert difference(results, "absent", "full", "psnr") is None
    assert over_seeds(results, "absent", "psnr") == over_seeds(results, "full", "ssim") == []
    assert gain_over_mean_colour(results, "absent") is None


def test_different_clips_are_refused():
    other = cell("full", 1, [20, 21])
    other = replace(other, per_clip=other.per_clip.assign(clip=["x", "y"]))
    with pytest.raises(InputError, match="lc-0 and full-1 .*`dvc repro ablation`"):
        difference(
            of(cell("full", 0, [20, 21]), other, cell("lc", 0, [1, 2]), cell("lc", 1, [1, 2])), "lc", "full", "psnr"
        )
    renamed = replace(other, seed=0)
    with pytest.raises(InputError, match="lc-0 and full-0 .*`dvc repro ablation`"):
        difference(of(renamed, cell("lc", 0, [1, 2])), "lc", "full", "psnr")


def test_mean_std_and_gain(complete_outputs: Path):
    results = collect(complete_outputs)
    values = [cell.summary["metrics"]["psnr"]["value"] for cell in results.of_variant("full").values()]
    assert [record["value"] for record in over_seeds(results, "full", "psnr")] == values
    assert gain_over_mean_colour(results, "full") == pytest.approx(min(values) - 18.0)


def test_one_seed_that_has_not_learned_spoils_a_variant():
    good, bad = cell("full", 0, [20.0]), cell("full", 1, [16.4])
    assert has_learned(of(good), "full")
    assert not has_learned(of(good, bad), "full")
