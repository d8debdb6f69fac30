"""Non-inferiority of a method of T1."""

import numpy as np
import pandas
import pytest

from sweettok.errors import InputError
from sweettok.reporting.collect import Results
from sweettok.reporting.rules.keeps import Keeps

TEST = Keeps(kind="keeps", method="sweettok", reference="proxy")
RECORD = {"metrics": {"psnr": {"seed": 0}}}
METHODS = {"sweettok": RECORD | {"tokens": 80, "bits": 560.0}, "proxy": RECORD | {"tokens": 320, "bits": 3200.0}}


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


@pytest.mark.parametrize(("loss", "spread"), [(0.4, 0.1), (-1.0, 0.1), (1.0, 3.0)])
def test_the_difference_is_paired_over_clips(loss, spread):
    primary = TEST.measured(results(loss, spread), "psnr").primary
    assert (primary.mean, primary.clips, len(primary.seeds)) == (pytest.approx(-loss), 40, 1)
    low, high = primary.interval
    assert low < -loss < high and high - low < spread


def test_the_remark_names_cost_and_what_the_interval_leaves_out():
    found = TEST.measured(results(0.4), "psnr")
    for said in ("80 of 320 tokens (25 %)", "one seed", "40 clips only"):
        assert said in found.remark
    assert not found.open_because


def test_not_run_and_other_clips():
    whole = results(0.4)
    assert TEST.measured(Results("test"), "psnr").primary is None
    assert TEST.measured(Results("test", reconstruction=whole.reconstruction), "psnr").primary is None
    table = whole.per_clip
    fewer = table[(table["method"] == "proxy") | (table["clip"] != "c00")]
    with pytest.raises(InputError, match="sweettok and proxy .*`dvc repro evaluate_reconstruction`"):
        TEST.measured(Results("test", reconstruction=whole.reconstruction, per_clip=fewer), "psnr")
