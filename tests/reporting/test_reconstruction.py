"""The tokenizers that have been measured, gathered: which, in which order, and the thresholds they are held to."""

import json
import shutil

import pytest

from sweettok.reporting.collect import collect
from sweettok.reporting.reconstruction import (
    MIN_RETENTION,
    gather,
    learned_thresholds,
    measured,
    retention_thresholds,
)


def test_those_that_params_list_in_their_order(fresh_outputs):
    folder = fresh_outputs / "reconstruction"
    assert list(measured(folder, ["trilinear_bits", "absent", "sweettok"])) == ["trilinear_bits", "sweettok"]
    everything = list(measured(folder, None))
    assert everything[:2] == ["sweettok", "proxy"] and set(everything) == {path.name for path in folder.iterdir()}


def test_a_tokenizer_of_another_profile_stays_out(fresh_outputs):
    results = collect(fresh_outputs, tokenizers=["sweettok", "proxy"])
    assert list(results.reconstruction["methods"]) == ["sweettok", "proxy"]
    assert set(results.per_clip["method"]) == {"sweettok", "proxy"} and "mean_colour" not in results.strips


def test_what_several_leave_out_is_said_once(fresh_outputs):
    for name in ("sweettok", "proxy"):
        path = fresh_outputs / "reconstruction" / name / "summary.json"
        content = json.loads(path.read_text())
        path.write_text(json.dumps(content | {"left_out": [{"metric": "fvd", "kind": "video", "why": "no weights"}]}))
    gathered = gather(measured(fresh_outputs / "reconstruction", None))
    assert gathered["left_out"] == [{"metric": "fvd", "kind": "video", "why": "no weights"}]


def test_thresholds_are_those_of_the_methods_there(complete_outputs):
    folder = complete_outputs / "reconstruction"
    thresholds = {threshold["bar"]: threshold for threshold in gather(measured(folder, None))["learned"]}
    assert thresholds["PSNR above mean colour (dB)"]["value"] == pytest.approx(24.1 - 18.9)
    assert thresholds["PSNR above trilinear at the same bits (dB)"]["passed"]
    assert thresholds["share of spatial words in use on validation clips"]["value"] == 0.75
    alone = gather(measured(folder, ["sweettok"]))
    assert not any("dB" in threshold["bar"] for threshold in alone["learned"])
    assert not list(learned_thresholds({}))


def test_thresholds_are_those_of_the_factors_there():
    accuracy = {name: {"value": value} for name, value in {"colour": 0.99, "manner": 0.9, "class": 0.2}.items()}
    kept = {name: {"value": value} for name, value in {"colour": 0.91, "manner": 0.55}.items()}
    methods = {"sweettok": {"retention": kept}, "proxy": {"retention": {"colour": {"value": 0.95}}}}
    thresholds = {threshold["bar"]: threshold for threshold in retention_thresholds(accuracy, methods)}
    assert {name: threshold["passed"] for name, threshold in thresholds.items()} == {
        "judge's accuracy on real clips: colour": True,
        "judge's accuracy on real clips: manner": False,
        "retention of SweetTok: colour": True,
        "retention of SweetTok: manner": False,
        "retention of the proxy: colour": True,
        "retention of the proxy: manner": False,
    }
    assert thresholds["retention of the proxy: manner"]["value"] == 0 and len(MIN_RETENTION) == 10


def test_nothing_measured(tmp_path, fresh_outputs):
    assert gather(measured(tmp_path, None)) is None
    shutil.rmtree(fresh_outputs / "reconstruction")
    results = collect(fresh_outputs)
    assert results.reconstruction is results.per_clip is results.strips is results.clip_words is None
