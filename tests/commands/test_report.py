"""`sweettok report`: ten lines on what a reproduction found."""

import json
import shutil
from pathlib import Path

import pytest

from sweettok.commands.report import SHOWN, lines

ROOT = Path(__file__).parents[2]


def claims(*verdicts):
    return [
        {"claim": f"Claim {n}", "table": "T1", "verdict": verdict, "discovery": None}
        for n, verdict in enumerate(verdicts)
    ]


@pytest.fixture
def folder(work):
    (work / "mine").mkdir()
    (work / "mine" / "claims.json").write_text(json.dumps(claims("supported", "not run", "contradicted")))
    (work / "mine" / "index.html").write_text("the page")
    return work / "mine"


def test_the_page_and_the_verdicts(sweettok, folder):
    status, out, _ = sweettok("report", folder)
    first, *rest = out.splitlines()
    assert status == 0 and str(folder / "index.html") in first
    assert [line.split()[0] for line in rest] == ["supported", "contradicted", "1"] and "not tested" in rest[-1]
    answer = json.loads(sweettok("report", folder, "--json")[1])
    assert answer["verdicts"]["Claim 1"] == "not run" and answer["page"] == str(folder / "index.html")


def test_many_claims_stay_ten_lines():
    shown = lines(claims(*["supported"] * 30, "not run"))
    assert len(shown) == SHOWN + 1 <= 9 and "22 more verdicts" in shown[-1] and "1 claims were not" in shown[-1]
    assert len(lines(claims("supported"))) == 1


def test_a_report_of_which_git_has_the_numbers_alone(sweettok, work):
    """Of a profile that is not the current one: its own command is named."""
    shutil.copytree(ROOT / "profiles", work / "profiles")
    shutil.copy(ROOT / "params.yaml", work)
    (work / "reports" / "weizmann").mkdir(parents=True)
    found = [
        {
            "statement": "A claim",
            "table": "T4",
            "verdict": "supported",
            "rule": {"unit": "dB"},
            "discovery": {"primary": None},
        }
    ]
    (work / "reports" / "weizmann" / "results.json").write_text(json.dumps({"verdicts": found}))
    status, out, _ = sweettok("report", "reports/weizmann")
    assert status == 0 and "`sweettok profile weizmann && dvc repro` makes the page" in out
    assert "supported     A claim (T4)" in out and "index.html" not in out
    assert "`dvc repro` makes it" in sweettok("report")[2]
    assert "`sweettok profile cctv && dvc repro` makes it" in sweettok("report", "reports/cctv")[2]


def test_no_report(sweettok, work):
    status, _, err = sweettok("report", work)
    assert status == 1 and "holds no report; `dvc repro` with a profile whose" in err
    status, _, err = sweettok("report")
    assert status == 1 and "params.yaml" in err
