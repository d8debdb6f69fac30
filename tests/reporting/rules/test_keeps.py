"""Non-inferiority of a method of T1."""

import numpy as np
import pandas
import pytest

from sweettok.errors import InputError
from sweettok.reporting.collect import Results
from sweettok.reporting.rules.keeps import Keeps

TEST = Keeps(kind="keeps", method="sweettok", reference="proxy", margin_db=1.0)
METHODS = {"sweettok": {"tokens": 80, "bits": 560.0}, "proxy": {"tokens": 320, "bits": 3200.0}}


def results(loss, spread=0.1, clips=40):
    """sweettok `loss` dB below the proxy on average; its rows in another order."""
    generator = np.random.default_rng(0)
    names = [f"c{clip:02}" for clip in range(clips)]
    theirs = 20 + generator.normal(size=clips)
    noise = generator.normal(size=clips)
    ours = theirs - loss + spread * (noise - noise.mean())
    proxy = pandas.DataFrame({"method": "proxy", "clip": names, "psnr": theirs})
    sweettok = pandas.DataFrame({"method": "sweettok", "clip": names, "psnr": ours}).sample(frac=1, random_state=0)
    return Results("test", reconstruction={"methods": METHODS}, per_clip=pandas.concat([sweettok, proxy]))


@pytest.mark.parametrize(
    ("loss", "spread", "verdict"),
    [(0.4, 0.1, "supported"), (-1.0, 0.1, "supported"), (2.0, 0.1, "contradicted"), (1.0, 3.0, "inconclusive")],
)
def test_verdicts(loss, spread, verdict):
    ruling = TEST.ruling(results(loss, spread))
    assert ruling.verdict == verdict
    assert ruling.effects["psnr"].value == pytest.approx(-loss)
    low, high = ruling.effects["psnr"].interval
    assert low < -loss < high


def test_the_reason_names_cost_and_what_the_interval_leaves_out():
    ruling = TEST.ruling(results(0.4))
    assert (
        "80 of 320 tokens (25 %)" in ruling.reason and "one seed" in ruling.reason and "40 clips only" in ruling.reason
    )
    assert ruling.terms == {"tokens": (80, 320), "bits": (560.0, 3200.0)}


def test_not_run_and_other_clips():
    whole = results(0.4)
    assert TEST.ruling(Results("test")).verdict == "not run"
    assert TEST.ruling(Results("test", reconstruction=whole.reconstruction)).verdict == "not run"
    table = whole.per_clip
    fewer = table[(table["method"] == "proxy") | (table["clip"] != "c00")]
    with pytest.raises(InputError, match="sweettok and proxy .*`dvc repro evaluate_reconstruction`"):
        TEST.ruling(Results("test", reconstruction=whole.reconstruction, per_clip=fewer))
