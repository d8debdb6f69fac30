"""Paired differences of ablation cells."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from scipy import stats

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
    assert found.details["seeds"] == (0, 1)
    assert found.details["clips"] == 2
    assert found.details["per_seed"] == (-1.5, -1.5)
    assert found.value == -1.5


def test_clips_are_paired_by_name_not_by_row():
    shuffled = cell("lc", 0, [19, 20, 30])
    shuffled = replace(shuffled, per_clip=shuffled.per_clip.iloc[[2, 0, 1]])
    found = difference(of(cell("full", 0, [20, 21, 31]), shuffled), "lc", "full", "psnr")
    assert found.interval == (-1.0, -1.0)


def test_interval_covers_student_t_over_seeds():
    differences = [0.5, 1.0, 1.5]
    cells = [cell("full", seed, [20.0] * 4) for seed in range(3)]
    cells += [cell("lc", seed, [20.0 + shift] * 4) for seed, shift in enumerate(differences)]
    found = difference(of(*cells), "lc", "full", "psnr")
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert found.details["student_interval"] == pytest.approx((expected.low, expected.high))
    assert found.interval == pytest.approx((expected.low, expected.high))  # here the wider of the two
    assert found.details["bootstrap_interval"][0] >= 0.5
    assert found.side == 0  # the bootstrap alone would have called it


@pytest.mark.parametrize(
    ("metric", "shift", "direction"),
    [("psnr", 1.0, 1), ("psnr", -1.0, -1), ("frechet_video/judge", 1.0, -1), ("frechet_video/judge", -1.0, 1)],
)
def test_direction_knows_which_way_is_better(metric: str, shift: float, direction: int):
    noise = [0.0, 0.01, 0.02]
    cells = [cell("full", seed, [20.0, 21.0], frechet=5.0) for seed in range(3)]
    cells += [cell("lc", seed, [20 + shift + e, 21 + shift + e], frechet=5 + shift + e) for seed, e in enumerate(noise)]
    assert difference(of(*cells), "lc", "full", metric).side == direction


def test_distances_that_say_nothing_decide_nothing():
    cells = [cell("full", seed, [20.0, 21.0]) for seed in range(3)]
    cells += [cell("lc", seed, [20.0, 21.0], frechet=9 + seed / 100) for seed in range(3)]
    assert difference(of(*cells), "lc", "full", "frechet_video/judge").side == -1
    cells[-1].summary["metrics"]["frechet_video/judge"]["protocol"] = {"says_nothing": "3 clips for 64 features"}
    found = difference(of(*cells), "lc", "full", "frechet_video/judge")
    assert found.side == 0 and found.value == pytest.approx(4.01)


def test_one_seed_decides_nothing():
    found = difference(of(cell("full", 0, [20, 21]), cell("lc", 0, [10, 11])), "lc", "full", "psnr")
    assert found.details["student_interval"] is None
    assert found.side == 0


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
