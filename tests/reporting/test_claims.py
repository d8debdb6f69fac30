"""The decision rule."""

from pathlib import Path

import pytest

from sweettok.reporting.claims import CLAIMS, _decide, verdicts
from sweettok.reporting.collect import Results, collect


@pytest.mark.parametrize(
    ("directions", "verdict"),
    [
        ({"psnr": 1, "perceptual/judge": 0, "frechet_video/judge": 0}, "supported"),
        ({"psnr": 1, "perceptual/judge": 1, "frechet_video/judge": 1}, "supported"),
        ({"psnr": 0, "perceptual/judge": -1, "frechet_video/judge": 0}, "contradicted"),
        ({"psnr": 0, "perceptual/judge": 0, "frechet_video/judge": 0}, "inconclusive"),
        ({"psnr": 1, "perceptual/judge": 1, "frechet_video/judge": -1}, "inconclusive"),
    ],
)
def test_rule(directions: dict[str, int], verdict: str):
    assert _decide(directions)[0] == verdict


def test_verdicts_on_made_up_results(complete_outputs: Path):
    """In the fixture full is far above coupled and downsample, lc a little below learned, end_to_end unlearned."""
    found = {(one.claim.better, one.claim.worse): one for one in verdicts(collect(complete_outputs))}
    assert found["full", "downsample"].verdict == "supported"
    assert found["full", "coupled"].verdict == "supported"
    assert (
        found["full", "coupled"].differences["psnr"].mean
        > 0
        > found["full", "coupled"].differences["frechet_video/judge"].mean
    )
    assert found["full", "shuffled_words"].verdict == "inconclusive"
    unlearned = found["full", "end_to_end"]
    assert (unlearned.verdict, unlearned.differences["psnr"].direction) == ("inconclusive", 1)
    assert "end_to_end less than 1.5 dB" in unlearned.reason


def test_swapping_the_two_models_swaps_the_verdict(complete_outputs: Path, monkeypatch: pytest.MonkeyPatch):
    from dataclasses import replace

    from sweettok.reporting import claims

    swapped = replace(CLAIMS[0], better=CLAIMS[0].worse, worse=CLAIMS[0].better)
    monkeypatch.setattr(claims, "CLAIMS", (swapped,))
    assert [one.verdict for one in verdicts(collect(complete_outputs))] == ["contradicted"]


def test_nothing_run():
    found = verdicts(Results("test"))
    assert len(found) == len(CLAIMS)
    assert {one.verdict for one in found} == {"not run"}


def test_one_seed_is_inconclusive(complete_outputs: Path):
    from dataclasses import replace

    results = collect(complete_outputs)
    one_seed = replace(results, cells=tuple(cell for cell in results.cells if cell.seed == 0))
    found = {(one.claim.better, one.claim.worse): one for one in verdicts(one_seed)}
    assert (found["full", "coupled"].verdict, found["full", "coupled"].reason) == ("inconclusive", "one seed only")
