"""Why a verdict differs from the paper's."""

import json

import pytest

from sweettok.reporting.reasons import Setting, reasons, reasons_in_words, setting_of

HERE = Setting("a", (17, 32, 32, 3, 1000, 500))
SETTINGS = {
    "here": HERE,
    "other data": Setting("b", HERE.scale),
    "larger": Setting("a", (17, 64, 64, 3, 1000, 500)),
    "other code": HERE,
    "unknown": None,
}


def found(**verdicts):
    return reasons({name.replace("_", " "): verdict for name, verdict in verdicts.items()}, SETTINGS)


@pytest.mark.parametrize("verdict", ["supported", "inconclusive"])
def test_a_verdict_that_agrees_or_decides_nothing_has_none(verdict):
    assert found(here=verdict, larger="contradicted") is None


@pytest.mark.parametrize("verdict", ["contradicted", "equivalent"])
def test_the_same_verdict_excludes_what_differs(verdict):
    why = found(here=verdict, other_data=verdict)
    assert why["data"] == "excluded: the same in other data"
    assert why["scale"].startswith("open") and why["method"].startswith("open")
    assert found(here=verdict, larger=verdict)["scale"] == "excluded: the same in larger"


def test_a_report_that_supports_the_claim_makes_a_reason_possible():
    why = found(here="contradicted", other_data="supported", larger="contradicted")
    assert why["data"] == "possible: supported in other data" and why["scale"].startswith("excluded")


def test_nothing_is_excluded_by_reports_that_decide_nothing_or_differ_in_nothing():
    why = found(here="contradicted", other_data="inconclusive", other_code="contradicted", unknown="contradicted")
    assert all(text.startswith("open") for text in why.values())


def test_in_words():
    rows = [
        {
            "claim": "A",
            "reports": {"here": {"verdict": "contradicted"}},
            "reasons": {"data": "open: x", "scale": "excluded: y"},
        },
        {"claim": "B", "reports": {"here": {"verdict": "supported"}}, "reasons": None},
    ]
    assert reasons_in_words(rows) == "- A: contradicted. Reason: data open: x; scale excluded: y."


def test_setting_of_a_report(tmp_path):
    file = tmp_path / "results.json"
    assert setting_of(file) is None
    results = {
        "data": {"splits": {"train": {"shape": [9, 17, 32, 32, 3], "clips_sha256": "a"}}},
        "ablation": {"full": {"cells": {"0": {"parameters": 1000, "steps": 500}}}},
    }
    file.write_text(json.dumps(results))
    assert setting_of(file) == HERE
    file.write_text(json.dumps(results | {"ablation": {}}))
    assert setting_of(file) is None
